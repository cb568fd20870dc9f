"""The engines that can be compared, and where each of them runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from benchmarks.environments import interpreter

OURS = "ours"
OUR_PACKAGES = ("automl", "ray", "lightgbm", "xgboost", "catboost", "scikit-learn", "pandas", "numpy")


@dataclass(frozen=True)
class Engine:
    """An engine with its settings. ``module`` names its file in ``benchmarks/engines``."""

    name: str
    module: str
    environment: str = ""
    """Of a peer; ours runs in the environment that runs the comparison."""
    preset: str = ""
    packages: tuple[str, ...] = ()
    """Whose versions a result records."""

    @property
    def ours(self) -> bool:
        return self.module == OURS

    def python(self, environments: Path) -> Path:
        """Return the interpreter that has this engine installed."""
        return Path(sys.executable) if self.ours else interpreter(environments.absolute() / self.environment)

    def versions(self, environments: Path) -> dict[str, str]:
        """Return what is installed there."""
        if self.ours:
            return {name: number for name in self.packages if (number := installed(name))}
        site = [str(place) for place in (environments / self.environment).glob("lib/python*/site-packages")]
        found = {each.name.lower(): each.version for each in distributions(path=site)}
        return {name: found[name] for name in self.packages if name in found}


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def autogluon(preset: str) -> Engine:
    packages = ("autogluon.tabular", "lightgbm", "xgboost", "catboost", "fastai", "torch", "ray", "pandas")
    return Engine(f"autogluon-{preset}", "autogluon", "autogluon", preset, packages)


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(OURS, OURS, packages=OUR_PACKAGES),
        Engine("ours-fast", OURS, preset="fast", packages=OUR_PACKAGES),
        Engine("ours-best", OURS, preset="best", packages=OUR_PACKAGES),
        autogluon("medium_quality"),
        autogluon("best_quality"),
        autogluon("best_v150"),
        Engine("flaml", "flaml", "flaml", packages=("flaml", "lightgbm", "xgboost", "catboost", "pandas")),
        Engine("lightautoml", "lightautoml", "lightautoml", packages=("lightautoml", "lightgbm", "catboost", "torch")),
        Engine("mljar", "mljar", "mljar", "Compete", ("mljar-supervised", "lightgbm", "xgboost", "catboost", "pandas")),
        Engine("h2o", "h2o", "h2o", packages=("h2o", "pandas")),
        Engine("lightgbm", "lightgbm", "boosting", packages=("lightgbm", "pandas", "scikit-learn")),
        Engine("catboost", "catboost", "boosting", packages=("catboost", "pandas", "scikit-learn")),
    )
}
