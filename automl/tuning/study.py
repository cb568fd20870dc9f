"""Bayesian search in the space of one family, by ask and tell. The door to Optuna."""

from __future__ import annotations

import warnings
from collections.abc import Container, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from automl.models.base import Choice, Family, Float, Int, Params, Shape, Value
from automl.tuning.candidate import Candidate
from automl.tuning.configuration import defaults, space

if TYPE_CHECKING:
    import optuna

_RANDOM: Final = 4
"""Candidates that must be known before the search looks near the best of them."""
_ATTEMPTS: Final = 25
"""Repeats after which a space counts as searched: of a few choices, most have been tried."""


class Study:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), started when first asked.

    What the portfolio has shown is told like answers, so that the search goes on from there.
    """

    def __init__(self, family: Family, shape: Shape, random_state: int) -> None:
        self._family = family.name
        self._space = space(family, shape)
        self._defaults = defaults(family, shape)
        self._random_state = random_state
        self._study: optuna.Study | None = None
        self._asked: dict[str, optuna.trial.Trial] = {}
        self._told: list[tuple[Candidate, float]] = []

    def __bool__(self) -> bool:
        """Whether there is anything to search."""
        return bool(self._space)

    def ask(self, known: Container[str] = ()) -> Candidate | None:
        """Return a candidate whose id is not known, nor waits for its loss; None if there seems to be none left.

        Repeats are taken back at once: a question that stays open counts as a bad answer.
        """
        import optuna

        study = self._opened()
        for _ in range(_ATTEMPTS):
            trial = study.ask()
            params: dict[str, Value] = {}
            for name, domain in self._space.items():
                if _exists(domain, params):
                    params[name] = _suggest(trial, name, domain)
            candidate = Candidate(self._family, params, "search")
            if candidate.id not in known and candidate.id not in self._asked:
                self._asked[candidate.id] = trial
                return candidate
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return None

    def tell(self, candidate: Candidate, loss: float) -> None:
        """Tell how good a candidate is, whoever proposed it; infinite: worse than those that have a loss."""
        if self._study is None:
            self._told.append((candidate, loss))
            return
        import optuna

        state = optuna.trial.TrialState.COMPLETE if isfinite(loss) else optuna.trial.TrialState.PRUNED
        value = loss if isfinite(loss) else None
        if candidate.id in self._asked:
            self._study.tell(self._asked.pop(candidate.id), value, state=state)
            return
        params = self._nearest(candidate.params)
        distributions = {name: _distribution(self._space[name]) for name in params}
        self._study.add_trial(
            optuna.trial.create_trial(state=state, value=value, params=params, distributions=distributions)
        )

    def _opened(self) -> optuna.Study:
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # group and constant_liar are marked experimental
                sampler = optuna.samplers.TPESampler(
                    seed=self._random_state, n_startup_trials=_RANDOM, multivariate=True, group=True, constant_liar=True
                )
            self._study = optuna.create_study(direction="minimize", sampler=sampler)
            for candidate, loss in self._told:
                self.tell(candidate, loss)
        return self._study

    def _nearest(self, params: Params) -> dict[str, Value]:
        """Return the point of the space that is nearest to a configuration with its defaults."""
        found: dict[str, Value] = {}
        for name, domain in self._space.items():
            value = params.get(name, self._defaults.get(name))
            if value is None or not _exists(domain, found):
                continue
            if isinstance(domain, Choice):
                if value in domain.values:
                    found[name] = value
            elif isinstance(domain, Int):
                found[name] = min(max(int(value), domain.low), domain.high)
            else:
                found[name] = min(max(float(value), domain.low), domain.high)
        return found


def _exists(domain: Float | Int | Choice, params: Mapping[str, Value]) -> bool:
    return domain.when is None or params.get(domain.when[0]) in domain.when[1]


def _distribution(domain: Float | Int | Choice) -> Any:
    import optuna

    if isinstance(domain, Choice):
        return optuna.distributions.CategoricalDistribution(list(domain.values))
    if isinstance(domain, Int):
        return optuna.distributions.IntDistribution(domain.low, domain.high, log=domain.log)
    return optuna.distributions.FloatDistribution(domain.low, domain.high, log=domain.log)


def _suggest(trial: optuna.trial.Trial, name: str, domain: Float | Int | Choice) -> Value:
    if isinstance(domain, Choice):
        chosen: Value = trial.suggest_categorical(name, list(domain.values))  # type: ignore[assignment]
        return chosen
    if isinstance(domain, Int):
        return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
