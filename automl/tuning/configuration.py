"""What a candidate is beyond its family's hyperparameters: which columns and rows it sees, and as what its target.

Families know nothing of this, and are tried with all of it. It stands among the hyperparameters of a candidate,
``{"depth": 6, "arithmetic": True, "target": "log"}``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from automl.features.matrix import Needs
from automl.models import quantiles
from automl.models.base import (
    ARITHMETIC,
    FACTOR,
    RESAMPLE,
    RESERVED,
    TARGET,
    Choice,
    Family,
    Params,
    Shape,
    Space,
    Value,
)
from automl.models.resampled import OVER, SMOTE, UNDER

LOG: Final = "log"
PLAIN: Final = "plain"
TWEEDIE: Final = "tweedie"
POWERS: Final = {"poisson": 1.0, TWEEDIE: 1.5}
"""Deviances that can be minimised instead of squared errors, by their variance powers."""
FORMS: Final = 2
"""Forms of each configuration that a family declares: plain columns, then combined columns beside them."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The hyperparameters of a candidate, taken apart.

    >>> Configuration.of({"depth": 6, "target": "log"})
    Configuration(own={'depth': 6}, arithmetic=False, log=True, power=None, resample='', factor=None)
    """

    own: Params
    """What the family knows."""
    arithmetic: bool
    """Whether sums, differences, products and quotients of columns stand beside them."""
    log: bool
    """Whether the model learns the logarithm of the target."""
    power: float | None = None
    """Variance power of the deviance to be minimised; None = squared errors, or what else the metric asks for."""
    resample: str = ""
    """How the training rows are resampled, see :mod:`automl.models.resampled`; empty = not."""
    factor: float | None = None
    """By which what comes back from logarithms is raised; None = as validation rows tell."""

    @classmethod
    def of(cls, params: Params) -> Configuration:
        """Take hyperparameters apart."""
        own = {name: value for name, value in params.items() if name not in RESERVED}
        target, resample = str(params.get(TARGET, PLAIN)), str(params.get(RESAMPLE, ""))
        log, power, factor = target == LOG, POWERS.get(target), params.get(FACTOR)
        raised = None if factor is None else float(factor)
        return cls(own, bool(params.get(ARITHMETIC, False)), log, power, resample, raised)

    def needs(self, family: Family) -> Needs:
        """Return what the input must look like."""
        needs = family.needs(quantiles.of_all(self.own))
        return replace(needs, arithmetic=True) if self.arithmetic else needs


def settled(family: Family, params: Params, details: Params, levels: tuple[float, ...]) -> Params | None:
    """Return hyperparameters that look at no validation rows, for a fit on all rows, see :meth:`Family.settled`.

    None also where the details do not tell the factor of a logarithm: they are of an earlier version then.
    """
    known = quantiles.settled(family, params, details, levels)
    if known is None or not Configuration.of(params).log:
        return known
    return {**known, FACTOR: details[FACTOR]} if FACTOR in details else None


def as_told(family: Family, params: Params, details: Params) -> bool:
    """Return whether a model went as far as its hyperparameters say, neither cut nor hurried by the time."""
    of_levels = {name: value for name, value in details.items() if ":" in name}
    for name, value in (of_levels or details).items():
        plain = name.rpartition(":")[2]
        if plain == "stopped" and value == "deadline":
            return False
        if plain in family.carried and value != params.get(name, params.get(plain, value)):
            return False
    return True


def space(family: Family, shape: Shape) -> Space:
    """Return the family's space with what is common to all; empty if the family has nothing to search."""
    own = family.space(shape)
    if not own:
        return own
    columns: Space = {ARITHMETIC: Choice((False, True))} if shape.numeric >= 2 else {}
    long = shape.skewed or shape.of_logarithms
    target: Space = {TARGET: Choice((PLAIN, LOG, *_deviances(family, shape)))} if long else {}
    return {**own, **columns, **target}


def defaults(family: Family, shape: Shape) -> Params:
    """Return the family's defaults with those of what is common to all."""
    return {**family.defaults(shape), ARITHMETIC: False, TARGET: PLAIN}


def forms(family: Family, shape: Shape) -> Iterator[Params]:
    """Yield every configuration that a family declares in its forms; equal ones where there is nothing to combine.

    Which form is better differs from table to table, and they err in different rows. Of a skewed target every second
    one learns the logarithm: alone that is better here and worse there, beside models of the plain target it is good.
    A family that knows deviances minimises one in its place: Tweedie's, which suits long tails better than Poisson's.
    Where errors of logarithms count, every form learns them.
    """
    learned = TWEEDIE if _deviances(family, shape) and not shape.of_logarithms else LOG
    for place, params in enumerate(family.portfolio(shape)):
        for form in range(1 if family.baseline else FORMS):
            extra: dict[str, Value] = {}
            if form and shape.numeric >= 2:
                extra[ARITHMETIC] = True
            always = shape.of_logarithms and not family.baseline
            if always or (shape.skewed and (place + form) % 2):
                extra[TARGET] = learned
            yield {**params, **extra}


def resampled(family: Family, shape: Shape) -> Iterator[Params]:
    """Yield the family's default on resampled rows, if that is to be tried.

    Rows can only be made between others where no value is missing.
    """
    if not shape.resample or family.baseline:
        return
    params = family.portfolio(shape)[0]
    ways = (UNDER, OVER, SMOTE) if family.needs(params).missing == "impute" else (UNDER, OVER)
    yield from ({**params, RESAMPLE: how} for how in ways)


def _deviances(family: Family, shape: Shape) -> tuple[str, ...]:
    return tuple(POWERS) if family.deviances and shape.of_means else ()
