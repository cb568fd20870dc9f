"""Bayesian search over one conditional space of all families, by ask and tell. The door to Optuna."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from automl.models.base import Choice, Family, Int, Shape, Space, Value
from automl.tuning.candidate import Candidate
from automl.tuning.configuration import space

if TYPE_CHECKING:
    import optuna


class Study:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), by ask and tell, started when first needed.

    One space for all families: the family is a choice, and each family's parameters exist only under their family.
    """

    def __init__(self, families: Sequence[Family], shape: Shape, random_state: int) -> None:
        spaces = {family.name: space(family, shape) for family in families}
        self._spaces = {name: known for name, known in spaces.items() if known}
        self._random_state = random_state
        self._study: optuna.Study | None = None
        self._asked: dict[str, optuna.trial.Trial] = {}
        self._known: list[tuple[Candidate, float]] = []

    @property
    def families(self) -> Sequence[str]:
        """Families that have something to search."""
        return tuple(self._spaces)

    def ask(self) -> Candidate:
        """Return a candidate of the search."""
        trial = self._opened().ask()
        family = trial.suggest_categorical("family", list(self._spaces))
        params = _suggest(trial, family, self._spaces[family])
        candidate = Candidate(family, params, "search")
        self._asked[candidate.id] = trial
        return candidate

    def drop(self, candidate: Candidate) -> None:
        """Take back a question that is not going to be answered."""
        import optuna

        self._opened().tell(self._asked.pop(candidate.id), state=optuna.trial.TrialState.FAIL)

    def tell(self, candidate: Candidate, loss: float, stopped: bool) -> None:
        """Answer a question, or add what the portfolio has shown."""
        trial = self._asked.pop(candidate.id, None)
        if trial is None:
            self.add(candidate, inf if stopped else loss)
            return
        import optuna

        if not isfinite(loss):
            self._opened().tell(trial, state=optuna.trial.TrialState.FAIL)
        elif stopped:
            trial.report(loss, 1)
            self._opened().tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            self._opened().tell(trial, loss)

    def add(self, candidate: Candidate, loss: float) -> None:
        """Add a result that was not asked for."""
        if not isfinite(loss) or candidate.family not in self._spaces:
            return
        if self._study is None:
            self._known.append((candidate, loss))
        else:
            self._insert(self._study, candidate, loss)

    def _opened(self) -> optuna.Study:
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # group and constant_liar are marked experimental
                sampler = optuna.samplers.TPESampler(
                    seed=self._random_state, multivariate=True, group=True, constant_liar=True
                )
            self._study = optuna.create_study(direction="minimize", sampler=sampler)
            for candidate, loss in self._known:
                self._insert(self._study, candidate, loss)
        return self._study

    def _insert(self, study: optuna.Study, candidate: Candidate, loss: float) -> None:
        """Insert a known result, with those of its parameters that lie inside the space."""
        import optuna

        distributions: dict[str, Any] = {"family": optuna.distributions.CategoricalDistribution(list(self._spaces))}
        params: dict[str, Any] = {"family": candidate.family}
        for name, domain in self._spaces[candidate.family].items():
            value = candidate.params.get(name)
            if value is None:
                continue
            if isinstance(domain, Choice):
                distribution: Any = optuna.distributions.CategoricalDistribution(list(domain.values))
                inside = value in domain.values
            else:
                numbers = optuna.distributions
                make: Any = numbers.IntDistribution if isinstance(domain, Int) else numbers.FloatDistribution
                distribution = make(domain.low, domain.high, log=domain.log)
                inside = domain.low <= float(value) <= domain.high
            if inside:
                params[_path(candidate.family, name)] = value
                distributions[_path(candidate.family, name)] = distribution
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=loss))


def _suggest(trial: optuna.trial.Trial, family: str, space: Space) -> dict[str, Value]:
    params: dict[str, Value] = {}
    for name, domain in space.items():
        if domain.when is not None and params.get(domain.when[0]) not in domain.when[1]:
            continue
        path = _path(family, name)
        if isinstance(domain, Choice):
            chosen: Value = trial.suggest_categorical(path, list(domain.values))  # type: ignore[assignment]
            params[name] = chosen
        elif isinstance(domain, Int):
            params[name] = trial.suggest_int(path, domain.low, domain.high, log=domain.log)
        else:
            params[name] = trial.suggest_float(path, domain.low, domain.high, log=domain.log)
    return params


def _path(family: str, name: str) -> str:
    return f"{family}.{name}"
