"""A run becomes smaller and quicker, and what that costs is said honestly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, load
from automl.cli import main
from automl.errors import ArtifactError, AutoMLError
from automl.slim import Option, Wanted, slim
from automl.slim.frontier import choose, share, to_json, to_text


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc")).assign(d=rng.choice(list("xyz"), 400))
    return frame.assign(
        y=np.where(frame["a"] * 2 + frame["b"] + (frame["d"] == "x") + rng.normal(size=400) > 0, "p", "n")
    )


@pytest.fixture(scope="module")
def model(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> AutoML:
    return AutoML(max_trials=3, folds=2, output=tmp_path_factory.mktemp("slim") / "run").fit(table, target="y")


@pytest.fixture(scope="module")
def slimmed(model: AutoML, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Option], Option]:
    return slim(model.run_, tmp_path_factory.mktemp("slim") / "small")


def test_the_full_ensemble_comes_first_and_is_that_of_the_run(
    slimmed: tuple[list[Option], Option], model: AutoML, table: pd.DataFrame
) -> None:
    full = slimmed[0][0]
    assert full.score == model.score_
    assert (full.lost, full.error, full.kept) == (0, 0, 1)
    np.testing.assert_array_equal(full.predictor.predict_proba(table), model.predict_proba(table))


def test_every_option_predicts_and_is_smaller(slimmed: tuple[list[Option], Option], table: pd.DataFrame) -> None:
    options, _ = slimmed
    full = options[0]
    assert {"full ensemble, one model each", "student of 32 rounds"} <= {option.name for option in options}
    for option in options[1:]:
        assert option.size_bytes < full.size_bytes or "student" in option.name
        assert option.score.low <= option.score.value <= option.score.high
        agree = np.mean(option.predictor.predict(table) == full.predictor.predict(table))
        assert agree > 0.8


def test_what_is_chosen_is_written_and_loads(slimmed: tuple[list[Option], Option], table: pd.DataFrame) -> None:
    _, chosen = slimmed
    again = load(chosen.predictor.folder)
    assert again.score == chosen.score
    np.testing.assert_array_equal(again.predict_proba(table), chosen.predictor.predict_proba(table))


def test_limits_choose_the_best_within_them(slimmed: tuple[list[Option], Option]) -> None:
    full = slimmed[0][0]
    options = [
        full,
        replace(full, name="even", lost=0.001, error=0.002, kept=0.999, row_ms=full.row_ms / 2),
        replace(full, name="quick", lost=0.01, error=0.002, kept=0.99, row_ms=full.row_ms / 10, size_bytes=100),
        replace(full, name="poor", lost=0.1, error=0.002, kept=0.9, row_ms=full.row_ms / 100, size_bytes=10),
    ]
    assert choose(options, Wanted()).name == "even"
    assert choose(options, Wanted(row_ms=full.row_ms / 5)).name == "quick"
    assert choose(options, Wanted(size_bytes=50)).name == "poor"
    assert choose(options, Wanted(keep=0.98)).name == "quick"
    assert choose(options, Wanted(keep=0.98, row_ms=full.row_ms)).name == "quick"
    with pytest.raises(AutoMLError, match="allow more"):
        choose(options, Wanted(keep=0.95, size_bytes=50))


def test_a_limit_of_zero_is_a_limit(slimmed: tuple[list[Option], Option]) -> None:
    full = slimmed[0][0]
    poor = replace(full, name="poor", lost=0.1, error=0.002, kept=0.9, row_ms=full.row_ms / 2)
    assert choose([full, poor], Wanted(keep=0.0)) is poor
    for nothing in (Wanted(row_ms=0.0), Wanted(size_bytes=0)):
        with pytest.raises(AutoMLError, match="allow more"):
            choose([full, poor], nothing)


def test_shares_of_scores() -> None:
    assert share(-0.2, -0.1, greater_is_better=True) == 0
    assert share(-0.1, -0.2, greater_is_better=True) == 1
    assert share(0.0, 0.0, greater_is_better=False) == 1
    assert share(1.0, 2.0, greater_is_better=False) == 2


def test_the_table_marks_what_was_chosen(slimmed: tuple[list[Option], Option]) -> None:
    options, chosen = slimmed
    *table, note = to_text(options, chosen).splitlines()
    assert "the score of the run also pays for their choice" in note
    marked = [line for line in table if line.startswith("*")]
    assert len(marked) == 1
    assert chosen.name in marked[0]
    assert [row["option"] for row in to_json(options, chosen) if row["chosen"]] == [chosen.name]


@pytest.mark.parametrize("time", [None, pytest.param("when", marks=pytest.mark.slow)])
def test_a_student_of_noise_is_not_praised(tmp_path: Path, time: str | None) -> None:
    """What its teachers have seen must not reach the rows that it is examined on, though models of all be served."""
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd")).assign(y=rng.integers(2, size=400))
    if time:
        noise[time] = np.arange(400)
    lucky = AutoML(max_trials=2, folds=2, metric="roc_auc", output=tmp_path / "run").fit(noise, target="y", time=time)
    options, _ = slim(lucky.run_, tmp_path / "small")
    students = [option.score.value for option in options if "student" in option.name]
    assert len(students) == 3
    assert max(students) < 0.6


def test_from_the_command_line(table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that must keep to a constraint has no students, which take the longest."""
    model = AutoML(max_trials=2, folds=2, monotone={"a": "increasing"}, output=tmp_path / "run").fit(table, target="y")
    arguments = ["slim", str(model.run_), "--to", str(tmp_path / "small"), "--max-latency", "1s", "--json"]
    assert main([*arguments, "--plot", str(tmp_path / "new" / "options.svg")]) == 0
    options = json.loads(capsys.readouterr().out)
    assert sum(option["chosen"] for option in options) == 1
    assert (tmp_path / "new" / "options.svg").read_text().startswith("<?xml")
    assert main(["slim", str(model.run_), "--to", str(tmp_path / "other"), "--max-size", "1B"]) != 0
    assert "the smallest" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("name", ["full", "full.tar.gz"])
def test_a_place_that_is_taken_is_told_before_anything_is_built(model: AutoML, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    if name == "full":
        (tmp_path / name / "file").touch()
    said: list[str] = []
    with pytest.raises(AutoMLError, match="give another place"):
        slim(model.run_, tmp_path / name, say=said.append)
    assert not said


def test_an_exported_model_has_no_rows_to_learn_from(model: AutoML, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    with pytest.raises(ArtifactError, match="not a run folder"):
        slim(tmp_path / "model", tmp_path / "small")
