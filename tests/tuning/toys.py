"""Families that cost nothing, for tests of the engine around them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.features.matrix import Matrix, Needs
from automl.models.base import Choice, Family, FitContext, Float, FoldData, Model, Params, Progress, Shape, Space


class Shift(Model):
    """Predicts the training mean (or class shares) moved by a constant."""

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        if len(self.values) == 1:
            return np.full(X.rows, self.values[0])
        return np.tile(np.array(self.values), (X.rows, 1))

    def save(self, folder: Path) -> None:
        (folder / "shift.json").write_text(json.dumps(self.values))

    @property
    def details(self) -> dict[str, Any]:
        return {"pid": os.getpid()}


class Toy(Family):
    """The mean plus ``offset``; waits ``seconds`` a fold; fails or dies when told to."""

    name = "toy"

    def needs(self, params: Params) -> Needs:
        return Needs()

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        return ({"offset": 0.5}, {"offset": 1.0})

    def space(self, shape: Shape) -> Space:
        return {
            "offset": Float(0.0, 10.0),
            "kind": Choice(("plain", "scaled")),
            "scale": Float(0.1, 10.0, log=True, when=("kind", ("scaled",))),
        }

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        time.sleep(float(params.get("seconds", 0.0)))
        if params.get("fails"):
            raise ValueError("told to fail")
        if marker := params.get("dies_once"):
            marked = Path(str(marker))
            if not marked.exists():
                marked.touch()
                os.kill(os.getpid(), 9)
        if context.shape.n_classes:
            shares = np.bincount(data.y_train.astype(int), minlength=context.shape.n_classes) / len(data.y_train)
            model = Shift([float(share) for share in shares])
        else:
            model = Shift([float(np.mean(data.y_train)) + float(params["offset"])])
        for rung in range(len(context.rungs)):
            yield Progress(rung, model.predict(data.X_valid))
        return model

    def load(self, folder: Path) -> Model:
        return Shift(json.loads((folder / "shift.json").read_text()))

    def memory(self, shape: Shape, params: Params) -> int:
        return 1_000_000


class Other(Toy):
    """A second family."""

    name = "other"

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        return ({"offset": 2.0},)


class Base(Toy):
    """A baseline without anything to search."""

    name = "base"
    baseline = True

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        return ({"offset": 3.0},)

    def space(self, shape: Shape) -> Space:
        return {}


class Fixed(Toy):
    """Runs just what it is given."""

    name = "fixed"

    def __init__(self, *configurations: Params) -> None:
        self.configurations = configurations

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        return self.configurations

    def space(self, shape: Shape) -> Space:
        return {}


class OnGPU(Fixed):
    """Predicts 1 where it may use a GPU, else 0."""

    name = "on_gpu"
    gpu = True

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        yield from ()
        return Shift([float(context.gpu)])


class Again(Toy):
    """Can be trained on all rows. Notes how many it has seen; tells that the time has cut it short if it is to."""

    name = "again"

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.cut = False

    def settled(self, params: Params, details: Params) -> Params:
        return {**params, "known": True}

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        self.seen.append(len(data.y_train))
        yield from ()
        return Noted([float(np.mean(data.y_train))], "deadline" if self.cut else "rounds")


class Noted(Shift):
    def __init__(self, values: list[float], stopped: str) -> None:
        super().__init__(values)
        self.stopped = stopped

    @property
    def details(self) -> dict[str, str]:
        return {"stopped": self.stopped}
