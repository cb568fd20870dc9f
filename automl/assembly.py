"""From what training chose to a predictor on disk: the fold models that it is made of, gathered in one folder."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from automl import archive, artifact
from automl.blend import Blend
from automl.data.cells import plain_rows
from automl.data.reading import Reading
from automl.data.schema_file import schema_to_json
from automl.data.table import Schema, Task
from automl.data.task import task_to_json
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.models import saved
from automl.models.registry import get_family
from automl.predictor import Predictor


@dataclass(frozen=True, slots=True)
class FoldFiles:
    """Where the pieces of one fold model lie before they become part of a predictor."""

    fold: int
    recipe: str
    model: Path
    features: Path
    texts: Path
    """What the features have learned of texts; nothing is there if there are none."""

    @property
    def quick(self) -> Path:
        """Where the model's form for few rows lies once :func:`quicken` has written it."""
        return self.model.with_name("quick")


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate in the ensemble."""

    candidate: str
    family: str
    folds: Sequence[FoldFiles]


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """What was chosen out of fold."""

    members: Sequence[Member]
    blend: Blend
    """Over the members, in their order."""
    score: Score
    residuals: Residuals | None = None
    """Regression."""
    decision: Decision = Decision()  # noqa: RUF009 - frozen
    """Classification: how a class is chosen."""
    coverage: Sequence[float] = ()
    """Quantile: the share of values that lie below each, out of fold."""


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """What a predictor knows besides its models."""

    schema: Schema
    task: Task
    metric: str
    reading: Reading
    examples: pd.DataFrame
    """A few raw training rows, target left out; they become the golden rows."""
    weight: str | None = None
    """The column that said how much each row counts, empty if none did; None if rows counted alike."""


def write(to: Path, ensemble: Ensemble, about: About, opened: artifact.Opened) -> Predictor:
    """Write a predictor to a new folder, in one rename when it is complete, and return it.

    Model files are linked, not copied, where the file system can. ``opened`` keeps models in memory from one version to
    the next: those that this one is made of.
    """
    quick, read = [], set()
    parts = set()
    with archive.whole(to) as partial:
        for member in ensemble.members:
            for fold in member.folds:
                path = artifact.model_path(member.candidate, fold.fold)
                features = artifact.features_path(fold.recipe, fold.fold)
                texts = artifact.texts_path(fold.fold)
                parts |= {path, features, texts}
                _link_all(fold.model, partial / path)
                _link_all(fold.features, partial / features)
                if fold.texts.exists():
                    _link_all(fold.texts, partial / texts)
                    read.add(fold.fold)
                if fold.quick.exists():
                    _link_all(fold.quick, partial / path)
                    quick.append(path)
        manifest = _manifest(ensemble, about, quick, sorted(read))
        manifest["golden"]["predictions"] = artifact.replay(artifact.build(partial, manifest, opened)).tolist()
        artifact.seal(partial, manifest)
    for outdated in opened.keys() - parts:
        del opened[outdated]
    return artifact.build(to, manifest, opened)


def _manifest(ensemble: Ensemble, about: About, quick: Sequence[str], read: Sequence[int]) -> dict[str, Any]:
    """Return what is known before the files are hashed and the golden rows predicted."""
    members, blend, residuals = ensemble.members, ensemble.blend, ensemble.residuals
    libraries = {get_family(member.family).library for member in members}
    return {
        "format": artifact.FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in sorted({"automl", "numpy", "pandas", "scikit-learn", *libraries})},
        "task": task_to_json(about.task),
        "metric": about.metric,
        "score": ensemble.score.to_json(),
        "residuals": None if residuals is None else residuals.to_json(),
        "decision": ensemble.decision.to_json(),
        "coverage": list(ensemble.coverage),
        "weight": about.weight,
        "reading": about.reading.to_json(),
        "schema": schema_to_json(about.schema),
        "members": [
            {
                "candidate": member.candidate,
                "family": member.family,
                "weight": weight,
                "folds": [{"fold": fold.fold, "recipe": fold.recipe} for fold in member.folds],
            }
            for member, weight in zip(members, blend.weights.tolist(), strict=True)
        ],
        "quick": list(quick),
        "texts": list(read),
        "blend": {
            "log": blend.log,
            "bias": None if blend.bias is None else blend.bias.tolist(),
            "least": None if blend.least == -inf else blend.least,
        },
        "files": {},
        "golden": {"rows": plain_rows(about.examples), "predictions": []},
    }


def quicken(family: str, files: FoldFiles) -> None:
    """Bring a model into its form for few rows; its folder stays empty if it has none. Others may do so meanwhile."""
    with archive.whole(files.quick, first=True) as partial:
        saved.load(get_family(family), files.model).save_for_few_rows(partial)


def _link_all(source: Path, to: Path) -> None:
    """Put the files of one folder into another."""
    for file in archive.files_in(source):
        place = to / file.relative_to(source)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(file, place)


def _link(source: Path, to: Path) -> None:
    """Put a file elsewhere; by a hard link where possible, for that costs neither time nor space."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copyfile(source, to)
