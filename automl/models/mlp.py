"""A multilayer perceptron: Adam, a cosine learning rate fitted to the time, the weights of the best validation loss."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import cos, pi
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from automl.data.table import ProblemType
from automl.features.matrix import Matrix, Needs, ScalingMethod
from automl.models.base import (
    Choice,
    Family,
    FitContext,
    Float,
    FoldData,
    Int,
    LibraryEstimator,
    Model,
    Params,
    Progress,
    Shape,
    Space,
    Value,
    complete,
)
from automl.models.network import Adam, Array, Network, squash
from automl.models.target import Outcome, stopping_loss
from automl.threads import limited_threads

EPOCHS: Final = 150
FEWEST_STEPS: Final = 1_000
MOST_STEPS: Final = 20_000
ROWS_TO_SPARE: Final = 2_000
"""From here on scikit-learn's network sets rows aside to stop early."""
ROUND: Final = 200
"""Most steps between two looks at the validation rows."""
PATIENCE: Final = 0.25
"""Share of the planned steps without a better validation loss after which training ends."""
WARM_UP: Final = 0.05
CHUNK: Final = 8_192

DEFAULTS: Final[Params] = {
    "scaling": "robust",
    "layers": 2,
    "width": 128,
    "learning_rate": 6e-3,
    "weight_decay": 1e-2,
    "dropout": 0.1,
    "planned": 0,
    "max_rounds": MOST_STEPS,
}
_KNOWN: Final = ("planned", "max_rounds")
"""Steps over which the learning rate falls (0 = by the rows), and those after which training ends: what validation rows
and the time have decided before."""


@dataclass(frozen=True, slots=True, eq=False)
class MLPModel(Model):
    """A network and its parameters; the class frequencies count as one more training row."""

    network: Network
    flat: Array
    outcome: Outcome
    rows: int
    rounds: int = 0
    best_rounds: int = 0
    planned: int = 0
    """Steps that the time allowed."""
    stopped: str = "rounds"

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return values within the bounds of the target, or probabilities."""
        chunks = [X.dense[start : start + CHUNK] for start in range(0, max(X.rows, 1), CHUNK)]
        scores = np.concatenate([self.network.forward(self.flat, chunk) for chunk in chunks])
        return self.outcome.predictions(scores, self.rows)

    def formula(self, X: Any) -> Any:
        """Return what ``predict`` does, as a symbol of the columns."""
        return self.outcome.predictions(self.network.forward(self.flat, X), self.rows)

    @property
    def details(self) -> Mapping[str, Value]:
        """Steps trained, those up to the best parameters and those planned, parameters, and why training ended."""
        return {
            "rounds": self.rounds,
            "best_rounds": self.best_rounds,
            "planned": self.planned,
            "parameters": len(self.flat),
            "stopped": self.stopped,
        }

    def save(self, folder: Path) -> None:
        """Write ``mlp.npz``."""
        np.savez(
            folder / "mlp.npz",
            sizes=self.network.sizes,
            flat=self.flat,
            **self.outcome.arrays(),
            rows=self.rows,
            rounds=self.rounds,
            best_rounds=self.best_rounds,
            planned=self.planned,
            stopped=self.stopped,
        )


class MLP(Family):
    """A small neural network, trained with numpy."""

    name = "mlp"
    problem_types = tuple(ProblemType)
    weighted = True

    def needs(self, params: Params) -> Needs:
        """Return scaled dense numbers."""
        return Needs("impute", "onehot", cast(ScalingMethod, complete(params, DEFAULTS)["scaling"]))

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """Return a small net, a wider one on quantiles and a flat one."""
        return (
            {name: DEFAULTS[name] for name in DEFAULTS if name not in _KNOWN},
            {"scaling": "quantile", "layers": 3, "width": 256, "dropout": 0.25, "learning_rate": 2e-3},
            {"scaling": "quantile", "layers": 1, "width": 256, "dropout": 0.0, "weight_decay": 0.1},
        )

    def space(self, shape: Shape) -> Space:
        """Return TabArena's space, with nets that a CPU can train."""
        return {
            "scaling": Choice(("robust", "quantile")),
            "layers": Int(1, 4),
            "width": Int(32, 256, log=True),
            "learning_rate": Float(3e-4, 3e-2, log=True),
            "weight_decay": Float(1e-4, 0.3, log=True),
            "dropout": Float(0.0, 0.4),
        }

    def defaults(self, shape: Shape) -> Params:
        """Return what holds for every problem."""
        return DEFAULTS

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Train until the planned steps, the deadline, or no better validation loss for a quarter of the plan.

        Where it is known how far to train, validation rows decide nothing.
        """
        chosen, known = complete(params, DEFAULTS), "max_rounds" in params
        outcome, y = Outcome.of(data.y_train, context.shape, data.weight_train)
        outputs = max(1, context.shape.n_classes)
        network = Network((data.X_train.columns, *[int(chosen["width"])] * int(chosen["layers"]), outputs))
        target = y[:, None].astype(np.float32) if outcome.scale else np.eye(outputs, dtype=np.float32)[y]
        training = _Training(network, data.X_train.dense, target, data.weight_train, chosen, context)
        best = MLPModel(network, training.flat.copy(), outcome, len(y))
        prediction = best.predict(data.X_valid)
        lowest = stopping_loss(data, prediction, context)
        found_at, done, stopped = 0.0, 0.0, "rounds"
        while done < training.goal and stopped == "rounds":
            with limited_threads(context.threads):
                before, done = done, training.round()
                model = replace(best, flat=training.flat.copy(), best_rounds=training.steps)
                candidate = model.predict(data.X_valid)
            loss = stopping_loss(data, candidate, context)
            if known or loss < lowest:
                lowest, best, prediction, found_at = loss, model, candidate, done
            elif done - found_at > PATIENCE:
                stopped = "early"
            for rung in [rung for rung, share in enumerate(context.rungs) if before < share <= done]:
                yield Progress(rung, prediction)
        if done >= training.goal > training.steps / training.planned:
            stopped = "deadline"
        planned = round(training.steps / done) if done else training.planned
        return replace(best, rounds=training.steps, planned=planned, stopped=stopped)

    def load(self, folder: Path) -> Model:
        """Read ``mlp.npz``."""
        with np.load(folder / "mlp.npz", allow_pickle=False) as file:
            arrays = dict(file)
        network = Network(tuple(arrays["sizes"].tolist()))
        rows, rounds = int(arrays["rows"]), int(arrays["rounds"])
        best, planned = (int(arrays.get(name, 0)) for name in ("best_rounds", "planned"))  # older ones know neither
        facts = rows, rounds, best, planned, str(arrays["stopped"])
        return MLPModel(network, arrays["flat"], Outcome.read(arrays), *facts)

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params | None:
        """Return them with the steps to the best parameters, and the plan that the learning rate fell by."""
        if "best_rounds" not in details:  # trained by an earlier version
            return None
        return {**params, "planned": details["planned"], "max_rounds": details["best_rounds"]}

    def estimator(self, params: Params, context: FitContext, details: Mapping[str, Value]) -> LibraryEstimator:
        """Return scikit-learn's network of this size."""
        chosen = complete(params, DEFAULTS)
        named: dict[str, object] = {
            "hidden_layer_sizes": (int(chosen["width"]),) * int(chosen["layers"]),
            "learning_rate_init": chosen["learning_rate"],
            "early_stopping": context.shape.rows > ROWS_TO_SPARE,
            "max_iter": 500,
            "random_state": context.random_state,
        }
        kind = "MLPClassifier" if context.shape.problem_type.classification else "MLPRegressor"
        differs = "it has no dropout, no weight decay and no falling learning rate"
        return LibraryEstimator("sklearn.neural_network", kind, named, scaled_target=True, differs=(differs,))

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the peak bytes of one fit: inputs drawn in, parameters eight times, activations of a chunk."""
        chosen = complete(params, DEFAULTS)
        width, layers = int(chosen["width"]), int(chosen["layers"])
        outputs = max(1, shape.n_classes)
        parameters = Network((shape.columns, *[width] * layers, outputs)).size
        return 4 * (2 * shape.rows * (shape.columns + outputs) + 8 * parameters + 3 * CHUNK * (width + shape.columns))


class _Training:
    """Parameters on their way: shuffled batches, and a learning rate that follows steps or time, whichever is ahead."""

    def __init__(
        self,
        network: Network,
        X: Array,
        target: Array,
        weight: NDArray[np.float64] | None,
        params: Mapping[str, Value],
        context: FitContext,
    ) -> None:
        self._weight = None if weight is None else weight[:, None].astype(np.float32)
        self._network, self._X, self._target = network, squash(X), target
        self._error = _cross_entropy if context.shape.n_classes else _squared_error
        if context.quantile is not None:
            self._error = partial(_pinball, quantile=context.quantile)
        self._rate, self._dropout = float(params["learning_rate"]), float(params["dropout"])
        self._rng = np.random.default_rng(context.random_state)
        self._batch = int(np.clip(len(X) // 20, 16, 256))
        self._per_epoch = -(-len(X) // self._batch)
        self._batches = self._shuffled()
        self._start, self._seconds = time.time(), max(0.98 * context.deadline.remaining, 1e-9)
        self.flat = network.initial(self._rng)
        self._adam = Adam(network.size, float(params["weight_decay"]))
        self.steps = 0
        by_rows = int(np.clip(EPOCHS * self._per_epoch, FEWEST_STEPS, MOST_STEPS))
        self.planned = int(params["planned"]) or by_rows
        self.goal = min(1.0, int(params["max_rounds"]) / self.planned)

    def round(self) -> float:
        """Train for an epoch or less; return how far the learning rate has fallen, 1 = to 0."""
        for _ in range(min(self._per_epoch, ROUND)):
            done = self._done()
            if done >= self.goal:
                break
            rows = next(self._batches)
            activations = self._network.activations(self.flat, self._X[rows], self._dropout, self._rng)
            error = self._error(activations[-1], self._target[rows])
            if self._weight is not None:
                error *= self._weight[rows]
            gradient = self._network.gradient(self.flat, activations, error, self._dropout)
            warm = min(1, max(done, (self.steps + 1) / self.planned) / WARM_UP)
            rate = self._rate * warm * (1 + cos(pi * done)) / 2
            self._adam.step(self.flat, gradient, rate)
            self.steps += 1
        return self._done()

    def _done(self) -> float:
        return max(self.steps / self.planned, self.goal * (time.time() - self._start) / self._seconds)

    def _shuffled(self) -> Iterator[NDArray[np.integer]]:
        """Yield the rows of each batch, epoch after epoch."""
        while True:
            order = self._rng.permutation(len(self._X))
            yield from np.array_split(order, self._per_epoch)


def _squared_error(output: Array, target: Array) -> Array:
    """Return the gradient of half the mean squared error."""
    return (output - target) / np.float32(len(target))


def _pinball(output: Array, target: Array, quantile: float) -> Array:
    """Return the gradient of the mean pinball loss."""
    slope = np.where(output > target, np.float32(1 - quantile), np.float32(-quantile))
    return np.asarray(slope / np.float32(len(target)))


def _cross_entropy(output: Array, target: Array) -> Array:
    """Return the gradient of the mean log loss of softmax probabilities."""
    odds = np.exp(output - output.max(axis=1, keepdims=True))
    return np.asarray((odds / odds.sum(axis=1, keepdims=True) - target) / np.float32(len(target)))
