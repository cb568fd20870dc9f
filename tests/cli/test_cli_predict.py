import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import automl as package
from automl.cli import main


@pytest.fixture(scope="module")
def rows(datasets: Path) -> pd.DataFrame:
    return pd.read_csv(datasets / "churn.csv", nrows=30)


def test_prediction_and_probabilities_in_the_order_of_the_rows(run: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    rows.to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(run), str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv"), "--proba"]) == 0
    out = pd.read_csv(tmp_path / "out.csv")
    predictor = package.load(run)
    classes = [str(label) for label in predictor.classes_]
    assert list(out.columns) == ["prediction", *(f"probability_{label}" for label in classes)]
    assert len(out) == len(rows)
    np.testing.assert_allclose(out.iloc[:, 1:].sum(axis=1), 1)
    assert list(out["prediction"].astype(str)) == [classes[i] for i in out.iloc[:, 1:].to_numpy().argmax(axis=1)]
    reversed_rows = predictor.predict_proba(rows.iloc[::-1])
    np.testing.assert_allclose(reversed_rows[::-1], out.iloc[:, 1:], rtol=1e-9)


def test_stdin_to_stdout(run: Path, rows: pd.DataFrame, automl) -> None:
    result = automl("predict", run, "-", stdin=rows.to_csv(index=False))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    out = pd.read_csv(io.StringIO(result.stdout))
    assert list(out.columns) == ["prediction"]
    assert list(out["prediction"].astype(str)) == [str(label) for label in package.load(run).predict(rows)]


def test_parquet_in_and_out(run: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    rows.to_parquet(tmp_path / "new.parquet", index=False)
    assert main(["predict", str(run), str(tmp_path / "new.parquet"), "-o", str(tmp_path / "out.parquet")]) == 0
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == len(rows)


def test_a_folder_of_parts_with_an_identifier(
    run: Path, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows.astype({"age": object})
    rows.loc[[3, 7], "age"] = "old"
    rows.to_csv(tmp_path / "new.csv", index=False)
    command = ["predict", str(run), str(tmp_path / "new.csv"), "-o", str(tmp_path / "out"), "--keep", "customer_id"]
    for said in ("rows/s, 2 rejected\n", "rows/s, 30 of an earlier run, 2 rejected\n"):
        assert main([*command, "--format", "parquet"]) == 0
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("30 of 30 rows, ")
        assert captured.err.endswith(said)
    out = pd.read_parquet(tmp_path / "out")
    assert out["customer_id"].tolist() == rows["customer_id"].tolist()
    assert np.flatnonzero(out["prediction"].isna()).tolist() == [3, 7]


def test_a_wrong_cell_ends_a_run_to_a_file(run: Path, rows: pd.DataFrame, tmp_path: Path, failure) -> None:
    rows.assign(age="old").to_csv(tmp_path / "new.csv", index=False)
    code, said = failure("predict", run, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert code == 3
    wrong = "column 'age' was numeric in training, got 'old' in row 1 (and 29 more cells)"
    assert said == f"error: {wrong}; -o FOLDER/ predicts the other rows and lists these"
    code, said = failure("predict", run, tmp_path / "new.csv", "-o", tmp_path / "out.txt")
    assert code == 2
    assert "must end in .csv or .parquet" in said


def test_a_reader_that_leaves_early_is_no_error(run: Path, datasets: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "automl", "predict", str(run), str(datasets / "churn.csv"), "--proba"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


def test_export_is_a_model_of_its_own(
    run: Path, datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "--to", str(tmp_path / "model"), "--format", "artifact"]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "model"), str(datasets / "churn.csv")]) == 0
    exported = capsys.readouterr().out
    assert main(["predict", str(run), str(datasets / "churn.csv")]) == 0
    assert capsys.readouterr().out == exported


def test_export_of_an_endpoint_is_a_project(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--to", str(tmp_path / "endpoint"), "--format", "endpoint"]) == 0
    files = {path.name for path in (tmp_path / "endpoint").iterdir()}
    assert {"Dockerfile", "requirements.txt", "README.md"} <= files


def test_training_rows_out_of_fold(run: Path, datasets: Path, tmp_path: Path) -> None:
    assert main(["out-of-fold", str(run), "-o", str(tmp_path / "rows.csv")]) == 0
    out = pd.read_csv(tmp_path / "rows.csv")
    assert list(out.columns) == ["row", "fold", "prediction", "probability_no", "probability_yes"]
    y = pd.read_csv(datasets / "churn.csv").churn.iloc[out.row - 1]
    assert roc_auc_score(y == "yes", out.probability_yes) == pytest.approx(package.load(run).score.value)


def test_an_output_without_room_is_one_line(run: Path, datasets: Path) -> None:
    command = [sys.executable, "-m", "automl", "predict", str(run), str(datasets / "churn.csv")]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, check=False)
    assert result.returncode == 1
    assert result.stderr == "error: the output cannot be written: No space left on device\n"
