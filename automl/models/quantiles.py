"""Several quantiles of the target at once: one model a level, of any family that can aim at a quantile.

Each level is trained on its own, so the quantiles of a row may come out in the wrong order. Sorting them repairs that,
and brings them nearer to the true ones (Chernozhukov, Fernández-Val, Galichon 2010).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.features.matrix import Matrix
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Value

_FOLDER = "level-{}"
_OF_LEVEL = "{}:"
"""What the names of hyperparameters and details that are one level's own begin with."""


def fit(
    family: Family, data: FoldData, params: Params, context: FitContext, levels: tuple[float, ...]
) -> Generator[Progress, None, Model]:
    """Train as :meth:`Family.fit` does; a model a level if there are levels, each in an even share of the time left.

    Nothing is reported on the way then: not all levels would be there. A level may have hyperparameters of its own, see
    :func:`settled`.
    """
    if not levels:
        return (yield from family.fit(data, params, context))
    models: list[Model] = []
    common = of_all(params)
    for place, level in enumerate(levels):
        deadline = context.deadline.share(len(levels) - place)
        of_level = replace(context, quantile=level, deadline=deadline, rungs=())
        models.append((yield from family.fit(data, {**common, **_of_level(params, place)}, of_level)))
    return Levels(tuple(models))


def of_all(params: Params) -> Params:
    """Return the hyperparameters that all levels share.

    >>> of_all({"num_leaves": 31, "0:max_rounds": 20, "1:max_rounds": 30})
    {'num_leaves': 31}
    """
    return {name: value for name, value in params.items() if ":" not in name}


def _of_level(values: Params, place: int) -> Params:
    """Return those that are one level's own, or its details."""
    own = _OF_LEVEL.format(place)
    return {name.removeprefix(own): value for name, value in values.items() if name.startswith(own)}


def settled(family: Family, params: Params, details: Params, levels: tuple[float, ...]) -> Params | None:
    """Return what :meth:`Family.settled` does; if there are levels, with what each of them has decided."""
    if not levels:
        return family.settled(params, details)
    again = dict(params)
    for place in range(len(levels)):
        known = _of_level(details, place)
        # earlier versions kept those of one level
        own = family.settled(params, known) if known or not details else None
        if own is None:
            return None
        again |= {f"{_OF_LEVEL.format(place)}{name}": own[name] for name in own if own[name] != params.get(name)}
    return again


def load(family: Family, folder: Path) -> Model:
    """Read what a model of :func:`fit` has written."""
    places = [folder / _FOLDER.format(place) for place in range(len(list(folder.glob(_FOLDER.format("*")))))]
    return Levels(tuple(family.load(place) for place in places)) if places else family.load(folder)


@dataclass(frozen=True, slots=True, eq=False)
class Levels(Model):
    """A model a level, in the order of the levels."""

    models: tuple[Model, ...]

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return (rows, levels) quantiles, which never fall from one level to the next."""
        return np.sort(np.column_stack([model.predict(X) for model in self.models]), axis=1)

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return np.sort(np.column_stack([model.formula(X) for model in self.models]), axis=1)

    def save(self, folder: Path) -> None:
        """Write each model into a folder of its own: ``level-0``, ``level-1``..."""
        for place, model in enumerate(self.models):
            of_level = folder / _FOLDER.format(place)
            of_level.mkdir()
            model.save(of_level)

    def save_for_few_rows(self, folder: Path) -> None:
        """Write that of each model."""
        for place, model in enumerate(self.models):
            of_level = folder / _FOLDER.format(place)
            of_level.mkdir(exist_ok=True)  # the models may lie there, or elsewhere
            model.save_for_few_rows(of_level)

    @property
    def details(self) -> Mapping[str, Value]:
        """Those of each level, and of the one that had to learn fastest to end in time: what fits it to the time fits
        all."""
        details = [model.details for model in self.models]
        fastest = max(details, key=lambda of: float(of.get("learning_rate", 0.0)))
        return dict(fastest) | {
            f"{_OF_LEVEL.format(place)}{name}": value for place, of in enumerate(details) for name, value in of.items()
        }
