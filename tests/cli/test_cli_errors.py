"""Every mistake gets one line that says what to do, and its exit code."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import load
from automl.cli import main
from automl.data.table import Kind

LINEAR = pd.DataFrame({"a": np.arange(60.0), "b": np.tile(["x", "y", "z"], 20), "y": np.tile([0, 1], 30)})
QUICK = ("--max-trials", 1, "--folds", 2)


@pytest.fixture
def table(tmp_path: Path):
    def write(content: pd.DataFrame | str) -> Path:
        path = tmp_path / "train.csv"
        path.write_text(content if isinstance(content, str) else content.to_csv(index=False))
        return path

    return write


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        ("", "y", "empty"),
        ("a,b,y\n", "y", "row"),
        (LINEAR, "z", "no column 'z'"),
        (LINEAR.rename(columns={"y": "churn"}), "chrun", "did you mean 'churn'?"),
        (LINEAR.assign(y=1), "y", "is constant"),
        (LINEAR.head(1), "y", ""),
        (LINEAR.assign(y=None), "y", ""),
        ("a,a,y\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n", "y", "'a'"),
        (LINEAR[["y"]], "y", "no column to learn from"),
    ],
    ids=["empty", "header", "target", "typo", "constant", "one row", "no target", "duplicate", "no features"],
)
def test_a_table_that_cannot_be_learned_from(failure, table, tmp_path, content, target, message) -> None:
    code, line = failure("fit", table(content), "--target", target, "--output", tmp_path / "run", *QUICK)
    assert code == 3
    assert line.startswith("error: ")
    assert message in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--groups", "g"], 3, "no column 'g'"),
        (["--groups", "a", "--folds", 61], 2, "61 folds for 60 groups"),
        (["--groups", "one"], 3, "all rows are in one"),
        (["--time-column", "b"], 3, "'b' has 'x' in row 1"),
        (["--fold", "one"], 3, "'one' has 1"),
        (["--fold", "some"], 3, "'some' has none in row 2"),
        (["--fold", "b", "--groups", "a"], 2, "got groups and fold"),
        (["--valid", "nowhere.csv"], 3, "there is no file 'nowhere.csv'"),
        (["--valid", __file__], 3, "the validation table"),
    ],
)
def test_a_split_that_cannot_be_made(failure, table, tmp_path, options, code, message) -> None:
    content = table(LINEAR.assign(one=1, some=[1, None] * 30))
    found, line = failure("fit", content, "--target", "y", "--output", tmp_path / "run", "--max-trials", 1, *options)
    assert found == code
    assert message in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--time", "soon"], "such as 10m; got 'soon'"),
        (["--memory", "much"], "such as 8GB; got 'much'"),
        (["--memory", "1MB"], "memory must be at least 100MB, got '1MB'"),
        (["--preset", "fest"], "did you mean 'fast'?"),
        (["--scheduler", "ash"], "did you mean 'asha'?"),
        (["--problem-type", "multi"], "multiclass"),
        (["--metric", "roc_acu"], "did you mean 'roc_auc'?"),
        (["--metric", "rmse"], "'rmse' is for regression problems"),
        (["--metric", "top_k_accuracy@x"], "a whole number from 1 to 1000"),
        (["--metric", "top_k_accuracy@2.5"], "a whole number from 1 to 1000"),
        (["--metric", "no_such_module:f"], "cannot be imported: ModuleNotFoundError"),
        (["--metric", "math:no_such_function"], "math has no 'no_such_function'"),
        (["--metric", "math:pi"], "must be a name, a function or a Metric"),
        (["--metric", "math:hypot"], "it raised"),
        (["--metric", "cost"], "give the cost matrix"),
        (["--cost-matrix", "no.json"], "no file 'no.json'"),
        (["--max-trials", "many"], "'--max-trials'"),
        (["--folds", "1"], "at least 2"),
        (["--random-state", "-1"], "from 0 to 4,294,967,295"),
        (["--metrik", "rmse"], "--metric"),
        (["--families", "linear,ligthgbm"], "unknown model family 'ligthgbm'; did you mean 'lightgbm'?"),
        (["--types", "a"], "COL=KIND"),
        (["--monotone", "a"], "--monotone must be COL=DIRECTION"),
        (["--monotone", "a=increasing", "--monotone", "a=decreasing"], "--monotone says two things of 'a'"),
        (["--monotone", "a=up"], "must be one of increasing, decreasing, got 'up'"),
        (["--interactions", "a,;b"], "such as 'size,age;price'"),
        (["--interactions", "a;z"], "'z', which is no feature"),
        (["--types", "a=numbr"], "did you mean 'numeric'?"),
        (["--types", "a=cat"], "did you mean 'categorical'?"),
        (["--types", "c=text"], "no such column"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_option_that_cannot_be(failure, table, tmp_path, options, message) -> None:
    code, line = failure("fit", table(LINEAR), "--target", "y", "--output", tmp_path / "run", *QUICK, *options)
    assert code == 2
    assert line.startswith("error: ")
    assert message in line
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_one_line_from_the_process_too(automl, tmp_path: Path) -> None:
    result = automl("fit", tmp_path / "no.csv", "--target", "y", *QUICK)
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert "no.csv" in result.stderr


def test_a_missing_test_file_is_found_before_training(failure, table, tmp_path) -> None:
    code, line = failure("fit", table(LINEAR), "--target", "y", "--test", tmp_path / "test.csv")
    assert code == 3
    assert "test.csv" in line


def test_a_command_that_does_not_exist(failure) -> None:
    assert failure("fitt") == (2, "error: No such command 'fitt'. Did you mean 'fit'?")


def test_an_option_that_is_missing(failure, table) -> None:
    assert failure("fit", table(LINEAR)) == (2, "error: Missing option '--target'.")


def test_what_is_no_run_and_no_model(failure, tmp_path) -> None:
    for command in (
        ["predict", tmp_path, "new.csv"],
        ["resume", tmp_path],
        ["leaderboard", tmp_path],
        ["serve", tmp_path],
    ):
        code, line = failure(*command)
        assert code == 1
        assert line.startswith("error: ")
        assert str(tmp_path) in line


def test_a_format_that_does_not_exist(failure, tmp_path) -> None:
    code, line = failure("export", tmp_path, "--to", tmp_path / "model", "--format", "pickle")
    known = "'artifact', 'endpoint', 'sagemaker', 'onnx', 'code'"
    assert (code, line) == (2, f"error: Invalid value for '--format': 'pickle' is not one of {known}.")


def test_a_run_folder_is_not_overwritten(failure, run, table) -> None:
    code, line = failure("fit", table(LINEAR), "--target", "y", "--output", run, *QUICK)
    assert code == 2
    assert "automl resume" in line


def test_a_file_in_the_place_of_a_run_folder(failure, tmp_path) -> None:
    (tmp_path / "m.automl.tar.gz").touch()
    code, line = failure("leaderboard", tmp_path / "m.automl.tar.gz")
    assert code == 1
    assert line.endswith("m.automl.tar.gz is not a run folder of automl")


def test_a_flipped_byte_is_refused(failure, run, datasets, tmp_path) -> None:
    copy = shutil.copytree(run / "model", tmp_path / "model")
    victim = max((path for path in copy.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    code, line = failure("predict", copy, datasets / "churn.csv")
    assert code == 1
    assert victim.name in line


def test_a_table_that_does_not_match_the_model(failure, run, datasets, tmp_path) -> None:
    rows = pd.read_csv(datasets / "churn.csv", nrows=20, dtype=str)
    numeric = next(column.name for column in load(run).schema.columns if column.kind is Kind.NUMERIC)
    for bad, message in ((rows.drop(columns=numeric), "missing"), (rows.assign(**{numeric: "abc"}), "'abc'")):
        bad.to_csv(tmp_path / "new.csv", index=False)
        code, line = failure("predict", run, tmp_path / "new.csv")
        assert code == 3
        assert numeric in line
        assert message in line


def test_where_predictions_cannot_go(failure, run, datasets, tmp_path) -> None:
    code, line = failure("predict", run, datasets / "churn.csv", "-o", tmp_path / "out.xlsx")
    assert (code, "out.xlsx" in line) == (2, True)
    (tmp_path / "file").touch()
    code, line = failure("predict", run, datasets / "churn.csv", "-o", tmp_path / "file" / "out.csv")
    assert (code, f" {tmp_path / 'file'}: " in line) == (1, True)


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        (LINEAR.head(10), ""),
        (LINEAR.assign(y=LINEAR["y"].astype(float).where(LINEAR.index % 7 > 0)), "9 rows without a target"),
        (LINEAR.assign(a=LINEAR["a"].where(LINEAR.index % 5 > 0, np.inf).where(LINEAR.index % 3 > 0)), ""),
        (LINEAR.assign(c=None), "'c' is left out"),
    ],
    ids=["ten rows", "missing target", "nan and inf", "all-missing column"],
)
def test_an_odd_table_that_can_be_learned_from(table, tmp_path, capsys, content, warning) -> None:
    path = table(content)
    assert main(["fit", str(path), "--target", "y", "--output", str(tmp_path / "run"), *map(str, QUICK)]) == 0
    captured = capsys.readouterr()
    assert warning in captured.err
    assert main(["predict", str(tmp_path / "run"), str(path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(content) + 1


def test_the_unexpected_is_one_line_and_the_traceback_on_demand(capsys, monkeypatch, tmp_path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert main(["leaderboard", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("internal error: KeyError: ")
    monkeypatch.setenv("AUTOML_TRACEBACK", "1")
    assert main(["leaderboard", str(tmp_path)]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
