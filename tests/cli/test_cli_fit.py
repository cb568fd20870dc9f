import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from automl import load
from automl.cli import main


def test_fit_json_is_one_object_with_the_whole_result(fitted) -> None:
    run, process = fitted
    assert process.stdout.count("\n") == 1
    result = json.loads(process.stdout)
    assert set(result) == {"run", "problem_type", "metric", "score", "decision", "coverage", "seconds"} | {
        "positive",
        "leaderboard",
        "test",
    }
    assert result["run"] == str(run)
    assert (result["problem_type"], result["metric"]) == ("binary", "roc_auc")
    score = result["score"]
    assert 0.5 < score["low"] < score["value"] < score["high"] <= 1
    assert result["seconds"] > 0
    assert result["test"]["roc_auc"] > score["value"] - 0.2
    assert {"constant"} < {row["family"] for row in result["leaderboard"]}
    assert max(row["weight"] for row in result["leaderboard"]) > 0


def test_progress_goes_to_stderr_in_plain_lines(fitted) -> None:
    run, process = fitted
    assert "target 'churn': binary" in process.stderr
    assert f"run folder {run}" in process.stderr.partition("candidate")[0]
    assert "candidates done, roc_auc 0." in process.stderr
    assert "\x1b" not in process.stderr


def test_leaderboard_of_the_run_is_that_of_the_fit(fitted, capsys) -> None:
    run, process = fitted
    assert main(["leaderboard", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(process.stdout)["leaderboard"]
    assert main(["leaderboard", str(run)]) == 0
    assert "constant" in capsys.readouterr().out


def test_a_test_table_that_cannot_be_scored_leaves_the_report(datasets: Path, tmp_path: Path, capsys) -> None:
    run, data, test = tmp_path / "run", datasets / "diabetes.csv", tmp_path / "test.csv"
    test.write_text("progression\n1\n")
    options = ["--max-trials", "1", "--folds", "2", "--output", str(run), "--test", str(test)]
    assert main(["fit", str(data), "--target", "progression", *options]) == 3
    told = capsys.readouterr()
    assert f"automl serve {run}" in told.out
    assert "missing" in told.err.splitlines()[-1]


def test_fit_ends_with_three_commands_that_work(datasets: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("AUTOML_FIT_MAX_TRIALS", "1")
    run, data = tmp_path / "my run", datasets / "diabetes.csv"
    assert main(["fit", str(data), "--target", "progression", "--output", str(run), "--folds", "2"]) == 0
    printed = capsys.readouterr().out
    assert "rmse, lower is better" in printed
    commands = [shlex.split(line) for line in printed.splitlines()[-3:]]
    assert [words[:3] for words in commands] == [
        ["automl", name, str(run)] for name in ("predict", "serve", "leaderboard")
    ]
    assert main(commands[0][1:]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(data.read_text().splitlines())
    assert main(commands[2][1:]) == 0


def test_a_flag_wins_over_the_environment(datasets: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("AUTOML_FIT_PRESET", "slow")
    data = datasets / "wine.csv"
    assert main(["fit", str(data), "--target", "cultivar"]) == 2
    assert "'slow'" in capsys.readouterr().err
    options = ["--preset", "fast", "--max-trials", "1", "--folds", "2", "--output", str(tmp_path / "run"), "--json"]
    assert main(["fit", str(data), "--target", "cultivar", *options]) == 0
    assert json.loads(capsys.readouterr().out)["problem_type"] == "multiclass"


def test_resume_goes_on_where_the_run_was_interrupted(datasets: Path, tmp_path: Path, automl) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "automl", "fit", str(datasets / "churn.csv"), "--target", "churn"]
    process = subprocess.Popen(
        [*command, "--time", "10s", "--output", str(run), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not (run / "model").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    before = json.loads(output)
    resumed = automl("resume", run, "--time", "3s", "--json")
    assert resumed.returncode == 0, resumed.stderr
    after = json.loads(resumed.stdout)
    assert after["run"] == before["run"]
    assert after["score"]["value"] >= before["score"]["value"]
    kept = {row["candidate"] for row in before["leaderboard"] if row["status"] == "done"}
    assert kept <= {row["candidate"] for row in after["leaderboard"]}


def test_a_terminal_gets_a_live_leaderboard(datasets: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "automl",
        "fit",
        str(datasets / "wine.csv"),
        "--target",
        "cultivar",
        "--time",
        "3s",
    ]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    seen = bytearray()
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass  # the end of a terminal on Linux
    os.close(ours)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    shown = seen.decode()
    assert "candidates done" in shown
    assert "left" in shown
    assert "\x1b[" in shown
    assert "\x1b" not in output.decode()


def test_a_column_of_groups_and_one_of_time(datasets: Path, tmp_path: Path, capsys) -> None:
    frame = pd.read_csv(datasets / "churn.csv").head(200)
    frame["household"] = [f"h{row // 4}" for row in range(200)]
    frame["since"] = pd.date_range("2024-01-01", periods=200).strftime("%d/%m/%Y")
    frame.to_csv(tmp_path / "train.csv", index=False)
    suggestion = "the rows are in the order of 'since'"
    for option, column, suggested in ((None, None, 1), ("--groups", "household", 0), ("--time-column", "since", 0)):
        run = tmp_path / f"run {column}"
        command = ["fit", tmp_path / "train.csv", "--target", "churn", "--max-trials", 1, "--folds", 2, "--output", run]
        assert main([str(each) for each in (*command, *([option, column] if option else []))]) == 0
        assert capsys.readouterr().err.count(suggestion) == suggested
        assert column not in load(run).feature_names_in_
