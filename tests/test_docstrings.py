"""What the examples in docstrings say is so."""

from __future__ import annotations

import doctest
import shutil
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

import automl

PACKAGE = Path(automl.__file__).parent
WITH_EXAMPLES = [place for place in sorted(PACKAGE.rglob("*.py")) if ">>> " in place.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def folder(churn_model: automl.AutoML, churn: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of the examples: a table, new rows of it, and a run."""
    folder = tmp_path_factory.mktemp("examples")
    churn.to_csv(folder / "churn.csv", index=False)
    churn.drop(columns="churn").head(5).to_csv(folder / "new.csv", index=False)
    shutil.copytree(churn_model.run_, folder / "runs" / "churn", symlinks=True)
    return folder


@pytest.mark.parametrize("place", WITH_EXAMPLES, ids=lambda place: place.relative_to(PACKAGE).as_posix())
def test_examples_in_docstrings_hold(place: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(".".join(place.relative_to(PACKAGE.parent).with_suffix("").parts))
    monkeypatch.chdir(folder)
    assert doctest.testmod(module).failed == 0
