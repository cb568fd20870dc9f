"""One small run on a messy table that many tests look at."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from automl import AutoML

settings.register_profile("automl", deadline=None)  # a busy machine is no failure
settings.load_profile("automl")

DATASETS = Path(__file__).parents[1] / "datasets"


@pytest.fixture(scope="session")
def churn() -> pd.DataFrame:
    return pd.read_csv(DATASETS / "churn.csv")


@pytest.fixture(scope="session")
def churn_model(tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    output = tmp_path_factory.mktemp("churn") / "run"
    return AutoML(max_trials=3, folds=2, output=output).fit(DATASETS / "churn.csv", target="churn")
