"""Every option of a fit, frozen and validated once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, SupportsFloat, get_args

from automl.errors import UsageError, suggestion

Preset = Literal["fast", "balanced", "best"]
Scheduler = Literal["asha", "hyperband", "none"]

PRESET_SECONDS: Final[Mapping[str, float]] = {"fast": 60.0, "balanced": 300.0, "best": 3600.0}
"""Time budget of a preset when neither a time budget nor a number of trials is given."""
LEAST_BUDGET: Final = 1
"""Seconds that a fit is given at least."""
FAST_MEMBERS: Final = 2
"""Models that are served after the preset ``fast``: one fold of each."""
SEPARATORS: Final[Mapping[str, str]] = {"tab": "\t", "\\t": "\t"}
"""Separators that are hard to type, by what people write for them."""
QUANTILES: Final = (0.1, 0.5, 0.9)
"""What is predicted where quantiles are asked for without saying which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How files are written, where their owner knows it; what is not given is decided from the content.

    Raises
    ------
    UsageError
        If a separator is not one character, an encoding is not known, or a decimal mark is neither ``.`` nor ``,``.

    >>> ReadOptions(sep="tab").sep, ReadOptions(na=["n.v.", "999"]).na
    ('\\t', ('n.v.', '999'))
    """

    sep: str | None = None
    """Delimiter of a CSV file: one character, ``tab`` for a tab."""
    encoding: str | None = None
    """Encoding of a text file by its Python name, such as ``latin-1``; a byte that it lacks is an error then."""
    decimal: str | None = None
    """Decimal mark of numbers in text: ``.`` or ``,``."""
    na: Sequence[str] = ()
    """Further cells that count as missing, in every column, the target included."""
    sheet: str | None = None
    """Name of the sheet of a workbook; needed if several sheets hold data."""
    query: str | None = None
    """SQL that selects the rows; the source is then the URL of a database."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "na", (self.na,) if isinstance(self.na, str) else tuple(self.na))
        if self.sep is not None:
            object.__setattr__(self, "sep", SEPARATORS.get(self.sep, self.sep))
            if len(self.sep) != 1 or self.sep in '"\r\n\0':
                raise UsageError(f"sep must be one character, such as ';' or tab, got {self.sep!r}")
        if self.decimal is not None:
            _one_of("decimal", self.decimal, (".", ","))
        if self.encoding is not None:
            _known_encoding(self.encoding)


AS_FOUND: Final = ReadOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class FitConfig:
    """What the user asked for. Names and meanings are those of :class:`automl.AutoML` and ``automl fit``.

    >>> FitConfig(preset="fast").time_budget
    60.0
    >>> FitConfig(max_trials=5).time_budget is None, FitConfig(n_jobs=-1).n_jobs is None
    (True, True)
    """

    time_budget: float | None = None
    """Seconds of wall time from the call to the saved predictor; None = no limit if ``max_trials`` is set, else the
    preset's."""
    max_trials: int | None = None
    """Candidates to train. Without a time budget two runs with the same seed give the same result."""
    metric: str | None = None
    cost_matrix: Mapping[str, Mapping[str, float]] | None = None
    """Costs by true class, then by predicted class; they are then the metric."""
    problem_type: str | None = None
    quantiles: Sequence[float | str] | None = None
    """Levels of the quantiles to predict, rising; they make the problem type ``quantile``. None for other types."""
    positive: str | None = None
    """The positive one of two classes; None = the second in sorted order."""
    class_weight: str | Mapping[str, float] | None = None
    """``balanced``, or how much more classes count in training."""
    resample: bool = False
    """Whether models are also trained on resampled rows, if a class is rare."""
    families: Sequence[str] | None = None
    """Names of the model families to train; None = all that suit the problem."""
    types: Mapping[str, str] | None = None
    """Kinds of columns that the user knows better than the engine."""
    schema: Sequence[Mapping[str, Any]] | None = None
    """Columns as the user edited them, see :mod:`automl.data.schema_file`; ``types`` win over it."""
    monotone: Mapping[str, str] | None = None
    """``increasing`` or ``decreasing`` by column, see :class:`automl.data.constraints.Constraints`."""
    interactions: Sequence[Sequence[str]] | None = None
    """Groups of columns; those of different groups do not meet in a tree."""
    read: ReadOptions = AS_FOUND
    """How the training file is written."""
    preset: Preset = "balanced"
    folds: int | None = None
    """Splits for cross-validation; None = chosen by the number of rows and the time."""
    scheduler: Scheduler = "asha"
    n_jobs: int | None = None
    """Cores to use; None, also given as -1, = all this process may use."""
    memory: int | None = None
    """Bytes that all trials together may use; None = 80 % of what is free."""
    gpus: int | None = None
    """GPUs to use; None = none."""
    ray_address: str | None = None
    """A running Ray cluster; None = start Ray on this machine."""
    random_state: int = 0

    @property
    def most_members(self) -> int | None:
        """Members that are served, by one model each; None = as many as help, by the models of all folds."""
        return FAST_MEMBERS if self.preset == "fast" else None

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name)))
        _one_of("preset", self.preset, get_args(Preset))
        _one_of("scheduler", self.scheduler, get_args(Scheduler))
        if self.problem_type is not None:
            _one_of("problem type", self.problem_type, ("binary", "multiclass", "regression", "quantile"))
        if self.quantiles is not None and self.problem_type in (None, "quantile"):
            object.__setattr__(self, "problem_type", "quantile")
            object.__setattr__(self, "quantiles", _levels(self.quantiles))
        elif self.quantiles is not None:
            raise UsageError(
                f"quantiles need the problem type quantile, got {self.problem_type}; leave out one of them"
            )
        elif self.problem_type == "quantile":
            object.__setattr__(self, "quantiles", QUANTILES)
        for name, direction in (self.monotone or {}).items():
            _one_of(f"direction of {name!r}", direction, ("increasing", "decreasing"))
        if any(isinstance(group, str) for group in self.interactions or ()):
            raise UsageError(
                f"interactions must be groups, such as [['size', 'age'], ['price']]; got {self.interactions!r}"
            )
        if self.n_jobs == -1:  # as in scikit-learn
            object.__setattr__(self, "n_jobs", None)
        _at_least("time budget", self.time_budget, LEAST_BUDGET)
        _at_least("max trials", self.max_trials, 1)
        _at_least("folds", self.folds, 2)
        _at_least("jobs", self.n_jobs, 1)
        _at_least("memory", self.memory, 100_000_000)
        _at_least("gpus", self.gpus, 0)
        _at_least("random state", self.random_state, 0)
        if self.time_budget is None and self.max_trials is None:
            object.__setattr__(self, "time_budget", PRESET_SECONDS[self.preset])

    @property
    def cores(self) -> int:
        """Cores to use, never more than this process may."""
        allowed = usable_cores()
        return min(self.n_jobs or allowed, allowed) if self.ray_address is None else self.n_jobs or allowed

    @property
    def repeatable(self) -> bool:
        """Whether the clock may not influence the result: a number of trials is given and no time budget."""
        return self.time_budget is None

    @property
    def race(self) -> Scheduler:
        """The scheduler; who is stopped depends on the order of arrival, so a repeatable run has no race."""
        return "none" if self.repeatable else self.scheduler

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FitConfig:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**values, "read": ReadOptions(**values.get("read", {}))})


def _plain(value: Any) -> Any:
    """Return what numpy has in it as Python's own numbers and lists, which JSON knows."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else value


def _known_encoding(name: str) -> None:
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise UsageError(f"encoding must be a text encoding, such as utf-8 or cp1252, got {name!r}") from error


def _levels(given: Sequence[float | str]) -> tuple[float, ...]:
    """Return levels in rising order, each once, with no more digits than their names have."""
    try:
        levels = tuple(sorted({round(float(level), 6) for level in given}))
    except (TypeError, ValueError):
        levels = ()
    if not levels or not all(0 < level < 1 for level in levels):
        raise UsageError(f"quantiles must be numbers between 0 and 1, such as 0.1,0.5,0.9; got {given!r}")
    return levels


def _one_of(option: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        hint = suggestion(value, allowed) if isinstance(value, str) else ""
        raise UsageError(f"{option} must be one of {', '.join(allowed)}, got {value!r}{hint}")


def _at_least(option: str, value: object, low: float) -> None:
    if value is not None and not (isinstance(value, SupportsFloat) and float(value) >= low):
        raise UsageError(f"{option} must be at least {low:,}, got {value!r}")


def usable_cores() -> int:
    """Return the cores that this process may use: those that it is bound to, in a container no more than its share."""
    from joblib import cpu_count

    return int(cpu_count())
