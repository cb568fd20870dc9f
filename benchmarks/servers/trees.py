"""One LightGBM and what its columns are made of, as a folder that servers without automl can load."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np


class Trees:
    """Probabilities of the second class, from rows by name, as quick as plain LightGBM and numpy are."""

    def __init__(self, folder: str | Path) -> None:
        self._booster = lightgbm.Booster(model_file=str(Path(folder) / "trees.txt"))
        self._columns: list[tuple[str, dict[str, float] | None]] = json.loads(
            (Path(folder) / "columns.json").read_text(encoding="utf-8")
        )

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[float]:
        """Predict in one go; an unknown category is missing."""
        cells = [
            [row[name] if known is None else known.get(row[name], np.nan) for name, known in self._columns]
            for row in rows
        ]
        probabilities: list[float] = self._booster.predict(np.array(cells, dtype=np.float64), num_threads=1).tolist()
        return probabilities
