"""Every option of a fit, frozen and validated once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import inf, isfinite, nan
from numbers import Number
from typing import Any, Final, Literal, SupportsFloat, get_args

from automl.errors import UsageError, suggestion

Preset = Literal["fast", "balanced", "best"]
Scheduler = Literal["asha", "hyperband", "none"]

PRESET_SECONDS: Final[Mapping[str, float]] = {"fast": 60.0, "balanced": 300.0, "best": 3600.0}
"""Time budget of a preset when neither a time budget nor a number of trials is given."""
LEAST_BUDGET: Final = 1
"""Seconds that a fit is given at least."""
LEAST_MEMORY: Final = 100_000_000
"""Bytes that it is given at least."""
FAST_MEMBERS: Final = 2
"""Models that are served after the preset ``fast``: one fold of each."""
SEPARATORS: Final[Mapping[str, str]] = {"tab": "\t", "\\t": "\t"}
"""Separators that are hard to type, by what people write for them."""
QUANTILES: Final = (0.1, 0.5, 0.9)
"""What is predicted where quantiles are asked for without saying which."""


def _plain(value: Any) -> Any:
    """Return what numpy has in it as Python's own numbers and lists, which JSON knows."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else value


def _of_type(option: str, value: object, kind: Any, said: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{_in_words(option)} must be {said}, got {value!r}")


def _in_words(option: str) -> str:
    return option.removeprefix("n_").replace("_", " ")


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
    """Further cells that count as missing, in every column, the target included; numbers are taken as text."""
    sheet: str | None = None
    """Name of the sheet of a workbook; needed if several sheets hold data."""
    query: str | None = None
    """SQL that selects the rows; the source is then the URL of a database."""

    def __post_init__(self) -> None:
        for option in ("sep", "encoding", "decimal", "sheet", "query"):
            _of_type(option, getattr(self, option), str, "a text")
        na = () if self.na is None else (self.na,) if isinstance(self.na, str | Number) else self.na
        _of_type("na", na, Iterable, "cells, such as ['n.v.', '-999']")
        object.__setattr__(self, "na", tuple(map(str, na)))
        if self.sep is not None:
            object.__setattr__(self, "sep", SEPARATORS.get(self.sep, self.sep))
            if len(self.sep) != 1 or self.sep in '"\r\n\0':
                raise UsageError(f"sep must be one character, such as ';' or tab, got {self.sep!r}")
        if self.decimal is not None:
            _one_of("decimal", self.decimal, (".", ","))
        if self.encoding is not None:
            _known_encoding(self.encoding)


AS_FOUND: Final = ReadOptions()

_NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "max_trials": (1, inf),
    "folds": (2, inf),
    "repeats": (1, 100),
    "n_jobs": (1, inf),
    "memory": (LEAST_MEMORY, inf),
    "gpus": (0, inf),
    "random_state": (0, 2**32 - 1),
}
"""The least and the greatest value of options that are whole numbers."""
_TYPES: Final[Mapping[str, tuple[Any, str]]] = {
    "metric": (str, "a name"),
    "cost_matrix": (Mapping, "costs by true, then by predicted class"),
    "class_weight": (str | Mapping, "balanced or numbers by class, such as {'yes': 5}"),
    "resample": (bool, "True or False"),
    "types": (Mapping, "kinds by column, such as {'zip': 'categorical'}"),
    "monotone": (Mapping, "directions by column, such as {'size': 'increasing'}"),
    "interactions": (list | tuple, "groups of columns, such as [['size', 'age'], ['price']]"),
    "read": (ReadOptions, "ReadOptions, such as ReadOptions(sep=';')"),
    "ray_address": (str, "an address"),
}
"""The types of other options, and what they are in words."""


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
    repeats: int = 1
    """Times that the rows are split, each time anew."""
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
        for option, (kind, said) in _TYPES.items():
            _of_type(option, getattr(self, option), kind, said)
        self._by_name()
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
        if self.n_jobs == -1:  # as in scikit-learn
            object.__setattr__(self, "n_jobs", None)
        if self.time_budget is not None and not _number(self.time_budget) >= LEAST_BUDGET:
            raise UsageError(f"time budget must be at least {LEAST_BUDGET} second, got {self.time_budget!r}")
        needed = {field.name for field in fields(self) if field.default is not None}
        for option, (low, high) in _NUMBERS.items():
            if getattr(self, option) is not None or option in needed:
                object.__setattr__(self, option, _whole(option, getattr(self, option), low, high))
        if self.time_budget is None and self.max_trials is None:
            object.__setattr__(self, "time_budget", PRESET_SECONDS[self.preset])

    def _by_name(self) -> None:
        """Give columns the names that they have here, texts without blanks around them, and classes theirs."""
        for option in ("types", "monotone"):
            given = getattr(self, option)
            if given is not None:
                object.__setattr__(self, option, {str(name).strip(): value for name, value in given.items()})
        if self.interactions is not None:
            for group in self.interactions:
                _of_type("interactions", group, list | tuple, _TYPES["interactions"][1])
            object.__setattr__(
                self, "interactions", [[str(name).strip() for name in group] for group in self.interactions]
            )
        if isinstance(self.class_weight, Mapping):
            for value in self.class_weight.values():
                if not isfinite(_number(value)):
                    raise UsageError(f"class weights must be numbers, such as {{'yes': 5}}, got {value!r}")
            object.__setattr__(self, "class_weight", {str(label): each for label, each in self.class_weight.items()})

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


def _number(value: object) -> float:
    """Return a number as a float, NaN for what is none; a bool is none."""
    return float(value) if isinstance(value, SupportsFloat) and not isinstance(value, bool) else nan


def _whole(option: str, value: object, low: float, high: float) -> int:
    number = _number(value)
    if not (low <= number <= high and number.is_integer()):
        limits = f"of at least {low:,}" if high == inf else f"from {low:,} to {high:,}"
        raise UsageError(f"{_in_words(option)} must be a whole number {limits}, got {value!r}")
    return int(number)


def usable_cores() -> int:
    """Return the cores that this process may use: those that it is bound to, in a container no more than its share."""
    from joblib import cpu_count

    return int(cpu_count())
