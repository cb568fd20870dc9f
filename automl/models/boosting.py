"""Rounds of a booster: when to stop, and how fast to learn so that training ends in time.

Boosting with a learning rate ``r`` for ``n`` rounds covers a distance ``r * n``; models at equal distance are alike. So
the plan is a distance, and too little time is answered by longer steps, which cost less than stopping half way.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from automl.data.table import ProblemType
from automl.features.matrix import Needs
from automl.models.base import Family, FitContext, Params, Progress, Shape, Value
from automl.models.target import softmax

MOST_ROUNDS: Final = 10_000
_PREVIEW_ROUNDS: Final = (10, 70)
_PREVIEW_TREES: Final = 700
"""Which the rounds of a preview share: each grows a tree for every class."""
_LIMIT_WITHOUT_ROWS: Final = 1_500
FASTEST: Final = 0.3
"""Learning rate that is never exceeded to save time."""
FEWEST_ROWS: Final = 50_000
"""To which no table is reduced because the time is short."""
NOTICEABLE: Final = 2e-4
"""Share of the first round's loss by which it must fall within the patience: on separable classes it falls forever."""
IDLE: Final = 30
"""Rounds in a row that grow no tree before training ends: with other columns and rows, the next one may grow."""
WARM_UP: Final = 8
"""Rounds before the first look at the clock, if they are quick; further looks after twice as many each time."""
_SIGNS: Final = np.array([-1.0, 1.0])
"""Sign of a margin, for each of two classes."""


def round_limit(rows: int) -> int:
    """Return a limit for tables of this size, which ends trainings whose loss falls by less and less, but forever.

    >>> round_limit(150), round_limit(5_000), round_limit(100_000)
    (1650, 6500, 10000)
    """
    return min(MOST_ROUNDS, _LIMIT_WITHOUT_ROWS + rows)


def patience(learning_rate: float, rows: int, best_round: int = 0) -> int:
    """Return rounds to wait for a better validation loss.

    A distance of 6, fewer rounds on more rows (their losses are less noisy), and a fifth of the way to the best.

    >>> patience(0.05, 5_000), patience(0.05, 100_000), patience(0.05, 100_000, best_round=1_000)
    (120, 20, 200)
    """
    noisy = min(300.0, 6 / learning_rate) * min(1.0, 10_000 / rows)
    return round(max(20.0, noisy, 0.2 * best_round))


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training went. ``seconds_per_round`` is the only field that depends on the clock if no deadline came."""

    rounds: int
    best_rounds: int
    learning_rate: float
    """At the end; higher than asked for where the time was short."""
    seconds_per_round: float
    stopped: str
    """``early``: no better validation loss for long. ``deadline``. ``rounds``: all that were allowed."""

    def to_json(self) -> dict[str, Value]:
        """Return the facts as JSON values; ``Trained(**values)`` reads them."""
        return asdict(self)


@dataclass(slots=True)
class RoundControl:
    """Decides after every round whether to go on and whether to learn faster. Knows no clock: it is told the seconds.

    >>> control = RoundControl(learning_rate=0.1, rows=1_000, enough=10.0)
    >>> [control.record(loss=1 / n, seconds=1.0, remaining=30.0 - n) for n in (1, 2, 3, 4)]
    [True, True, True, True]
    >>> control.learning_rate
    0.3
    """

    learning_rate: float
    rows: int
    """Rows of the training table."""
    enough: float
    """Distance to plan for: with less, longer steps are better than fewer of them."""
    most_rounds: int = MOST_ROUNDS
    closing: float = 0.0
    """Seconds a round that are needed after the last one, to pack the model."""
    adapts: bool = True
    """Whether the learning rate may be raised."""
    rounds: int = 0
    best_rounds: int = 0
    best_loss: float = inf
    covered: float = 0.0
    seconds: float = 0.0
    stopped: str = ""
    _first: float = 0.0
    _least_gain: float = 0.0
    _noticed_loss: float = inf
    _noticed_rounds: int = 0

    def __post_init__(self) -> None:
        self.most_rounds = min(self.most_rounds, round_limit(self.rows))

    @property
    def distance(self) -> float:
        """What is planned to be covered."""
        return min(self.enough, self.covered + self.learning_rate * max(0, self.most_rounds - self.rounds))

    @property
    def share(self) -> float:
        """Share of the planned distance that is covered, at most 1."""
        return min(1.0, self.covered / self.distance)

    @property
    def seconds_per_round(self) -> float:
        """Mean seconds, without the first round, which also allocates."""
        return self.seconds if self.rounds <= 1 else (self.seconds - self._first) / (self.rounds - 1)

    def record(self, loss: float, seconds: float, remaining: float) -> bool:
        """Note a round and return whether another one should follow; if not, ``stopped`` says why.

        Parameters
        ----------
        loss
            On the validation rows after this round.
        seconds
            This round took.
        remaining
            Seconds until the deadline; infinite = none, then the seconds change nothing.
        """
        self.rounds += 1
        self.covered += self.learning_rate
        self.seconds += seconds
        if self.rounds == 1:
            self._first = seconds
            self._least_gain = NOTICEABLE * abs(loss) if isfinite(loss) else 0.0
            self.best_rounds = 1
        if loss < self.best_loss:
            self.best_loss, self.best_rounds = loss, self.rounds
        if loss < self._noticed_loss - self._least_gain or self.rounds == 1:
            self._noticed_loss, self._noticed_rounds = loss, self.rounds
        self.stopped = self._reason(remaining)
        if not self.stopped and remaining < inf:
            self._look_at_clock(remaining)
        return not self.stopped

    def exhaust(self) -> None:
        """Note that no further tree could be grown."""
        self.stopped = "early"

    def trained(self) -> Trained:
        """Return the facts of the training so far."""
        rounds = self.rounds, self.best_rounds
        return Trained(*rounds, self.learning_rate, self.seconds_per_round, self.stopped)

    def _reason(self, remaining: float) -> str:
        if self.rounds >= self.most_rounds:
            return "rounds"
        if self.rounds - self._noticed_rounds >= patience(self.learning_rate, self.rows, self._noticed_rounds):
            return "early"
        if remaining < self.seconds_per_round + self.closing * (self.rounds + 1):
            return "deadline"
        return ""

    def _look_at_clock(self, remaining: float) -> None:
        """Raise the learning rate if the rest of the distance would not be covered in time."""
        doubled = self.rounds >= 2 and self.rounds & (self.rounds - 1) == 0
        warm = self.rounds >= WARM_UP or self.seconds - self._first > 0.05 * remaining
        if not (self.adapts and doubled and warm):
            return
        spare = remaining - self.closing * self.rounds
        affordable = max(1.0, spare / max(self.seconds_per_round + self.closing, 1e-9))
        needed = (self.distance - self.covered) / affordable
        if needed > 1.05 * self.learning_rate:
            self.learning_rate = max(self.learning_rate, min(FASTEST, needed))


def rows_in_time(rows: int, enough: float, seconds_per_round: float, remaining: float) -> int:
    """Return how many rows leave time for the rounds that are enough at the highest learning rate.

    For CatBoost rounds beyond the first few are worth more than rows beyond the first hundred thousands: 900,000 rows
    in 20 s, ROC AUC .745 after the 9 rounds of all, .815 to .817 after the 62 to 409 of a half to a tenth.

    >>> rows_in_time(900_000, 30.0, seconds_per_round=0.8, remaining=16.0), rows_in_time(900_000, 30.0, 0.1, 16.0)
    (180000, 900000)
    """
    rounds = remaining / max(seconds_per_round, 1e-9)
    share = min(1.0, rounds * FASTEST / enough)
    return max(min(rows, FEWEST_ROWS), int(share * rows))


FOUND: Final = "the rounds are those that the run found; nothing stops early"
"""What an estimator of a booster does otherwise."""


class Booster(Family):
    """What all boosters have in common."""

    problem_types = tuple(ProblemType)
    weighted = True
    monotone = True
    carried = ("learning_rate",)

    def needs(self, params: Params) -> Needs:
        """Return columns as they are: NaN stays, categories are codes."""
        return Needs(missing="native", categories="codes")

    def settled(self, params: Params, details: Mapping[str, Value]) -> Params | None:
        """Return them with the rounds that were best."""
        if "best_rounds" not in details:
            return None
        return {**params, "learning_rate": details["learning_rate"], "max_rounds": details["best_rounds"]}

    def preview(self, shape: Shape) -> Params:
        """Return few rounds of longer steps: the more classes, the fewer rounds.

        The steps do not grow in return: with 80 classes and a rate of 0.3 LightGBM's first rounds overshoot for good.
        """
        fewest, most = _PREVIEW_ROUNDS
        return {"learning_rate": 0.12, "max_rounds": max(fewest, min(most, _PREVIEW_TREES // shape.outputs))}


class Rounds(Protocol):
    """A booster that is trained round by round."""

    def advance(self) -> float | None:
        """Train one more round and return the loss on the validation rows; None if no tree could be grown.

        The first round always counts: it holds at least a constant.
        """

    def set_learning_rate(self, learning_rate: float) -> None:
        """Use this learning rate from the next round on."""

    def prediction(self) -> NDArray[np.float64]:
        """Return what the rounds so far predict for the validation rows."""


def boost(rounds: Rounds, control: RoundControl, context: FitContext) -> Generator[Progress, None, None]:
    """Train until the control says stop, at least one round, reporting at the context's rungs."""
    reported, idle, going = 0, 0, True
    while going:
        start = time.perf_counter()
        loss = rounds.advance()
        seconds = time.perf_counter() - start
        if loss is None and control.rounds:
            idle += 1
            if idle == IDLE or context.deadline.passed:
                control.exhaust()
                return
            continue
        idle, learning_rate = 0, control.learning_rate
        going = control.record(inf if loss is None or not isfinite(loss) else loss, seconds, context.deadline.remaining)
        if control.learning_rate != learning_rate:
            rounds.set_learning_rate(control.learning_rate)
        while reported < len(context.rungs) and control.share > context.rungs[reported] - 1e-9:
            yield Progress(reported, rounds.prediction())
            reported += 1


def objective_of(context: FitContext) -> ProblemType | Literal["quantile", "poisson", "tweedie"]:
    """Return the key of what a booster minimises: what is asked for, else what suits the problem."""
    if context.quantile is not None:
        return "quantile"
    if context.power is not None:
        return "poisson" if context.power == 1 else "tweedie"
    return context.shape.problem_type


def shrunk(strength: float, y: NDArray[np.generic], context: FitContext) -> float:
    """Return an L1 penalty that leaves trees to grow, also if the values of the target are small numbers.

    It is a threshold on sums of gradients: of classes and quantiles these are about 1 a row whatever the target, of
    means they have its unit. Where that is large, the penalty says nothing, as in the libraries.

    >>> from automl.models.base import Shape
    >>> context = FitContext(Shape(ProblemType.REGRESSION, 2, 1))
    >>> [shrunk(2.0, np.array([-spread, spread]), context) for spread in (0.01, 100.0)]
    [0.02, 2.0]
    """
    means = not context.shape.problem_type.classification and context.quantile is None
    return strength * min(1.0, float(np.std(y.astype(np.float64)))) if means else strength


def means_if_monotone(context: FitContext) -> FitContext:
    """Return the context, without its quantile where there are monotone constraints.

    For a quantile, leaves are moved to those of their rows after the tree is grown, and no longer keep the order.
    """
    return replace(context, quantile=None) if context.constraints.monotone else context


def linked(margins: NDArray[np.floating], classification: bool, outputs: int | None = None) -> NDArray[np.float64]:
    """Turn sums of trees, (rows,) or (rows, outputs), into values or probabilities.

    ``outputs`` says how many there are where the sums are a symbol, which has no shape.

    >>> linked(np.array([0.0]), classification=True).tolist(), linked(np.zeros((1, 4)), classification=True).tolist()
    ([[0.5, 0.5]], [[0.25, 0.25, 0.25, 0.25]])
    """
    values: NDArray[np.float64] = margins.astype(np.float64)
    if values.ndim == 2 and (outputs or values.shape[1]) == 1:
        values = values[:, 0]
    if not classification:
        return values
    if values.ndim == 1:
        both: NDArray[np.float64] = expit(values[:, None] * _SIGNS)
        return both
    return softmax(values)
