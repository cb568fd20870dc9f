"""The trees of a model that is one LightGBM, for servers that know nothing of automl."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm
import pandas as pd

from automl import Predictor
from automl.data.table import Kind
from automl.models.lightgbm import LightGBMModel


def write_trees(predictor: Predictor, rows: Sequence[dict[str, Any]], folder: Path) -> list[float]:
    """Write ``trees.txt`` and ``columns.json``, as ``servers/trees.py`` reads them; return what they say of rows."""
    (part,) = predictor.parts
    (only,) = part.models
    features = part.features
    if not isinstance(only.model, LightGBMModel) or any(len(made_of) > 1 for made_of in features.sources):
        raise SystemExit("the model must be one LightGBM without combined columns; benchmarks/README.md makes one")
    values = features.transform(predictor.typed(pd.DataFrame(rows))).dense
    columns = []
    for (source,), column in zip(features.sources, values.T.tolist(), strict=True):
        numeric = predictor.schema[source].kind is Kind.NUMERIC
        known = None if numeric else dict(zip((row[source] for row in rows), column, strict=True))
        columns.append((source, known))
    folder.mkdir()
    (folder / "trees.txt").write_bytes(only.model.text)
    (folder / "columns.json").write_text(json.dumps(columns), encoding="utf-8")
    wanted: list[float] = lightgbm.Booster(model_str=only.model.text.decode()).predict(values).tolist()
    return wanted
