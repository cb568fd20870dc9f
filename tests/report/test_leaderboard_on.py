"""Every candidate of a run on a table that it has not seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from automl import AutoML, load
from automl.cli import main
from automl.errors import DataError, UsageError
from automl.tuning.journal import Journal
from automl.tuning.single import find_finished, finished, write_single
from automl.tuning.store import read_run


def test_each_candidate_is_scored_on_the_table(churn_model: AutoML, churn: pd.DataFrame, tmp_path: Path) -> None:
    before = sorted(churn_model.run_.rglob("*"))
    some = churn.iloc[::3]
    board = churn_model.leaderboard(some).set_index("candidate")
    assert list(board.index) == list(churn_model.leaderboard_["candidate"])
    assert sorted(churn_model.run_.rglob("*")) == before
    run, journal = read_run(churn_model.run_), Journal(churn_model.run_)
    for candidate, trial in finished(run, journal).items():
        alone = write_single(run, journal, trial, tmp_path / candidate)
        value = roc_auc_score(some["churn"] == "yes", alone.predict_proba(some)[:, 1])
        assert board.loc[candidate, "test"] == pytest.approx(value)
        assert alone.score.value == pytest.approx(board.loc[candidate, "score"])
        np.testing.assert_array_equal(load(tmp_path / candidate).predict(some), alone.predict(some))


def test_who_is_no_candidate_is_told(churn_model: AutoML) -> None:
    run, journal = read_run(churn_model.run_), Journal(churn_model.run_)
    with pytest.raises(UsageError, match="is none; these can be had: "):
        find_finished(run, journal, "nobody")


def test_from_the_command_line(
    churn_model: AutoML, churn: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "later.csv"
    churn.to_csv(file, index=False)
    assert main(["leaderboard", str(churn_model.run_), "--test", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = churn_model.leaderboard(churn)["test"].tolist()
    assert [row["test"] for row in found] == pytest.approx(expected)
    assert main(["leaderboard", str(churn_model.run_), "--test", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["candidate", "score", "test"]
    churn.drop(columns="churn").to_csv(file, index=False)
    assert main(["leaderboard", str(churn_model.run_), "--test", str(file)]) == DataError.exit_code
    assert "there is no column 'churn'" in capsys.readouterr().err
