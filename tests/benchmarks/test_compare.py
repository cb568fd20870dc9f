"""A comparison of a small engine, from the command line to the summary."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest

from benchmarks.compare import main
from benchmarks.process import busy, execute
from benchmarks.results import append, read
from benchmarks.summary import latest, write

ROOT = Path(__file__).parents[2]
DATASETS = ROOT / "datasets"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one data set."""
    place = tmp_path / "sets" / "diabetes"
    place.mkdir(parents=True)
    table = pd.read_csv(DATASETS / "diabetes.csv")
    target = table.columns[-1]
    train, test = table.iloc[::2], table.iloc[1::2]
    train.to_csv(place / "train.csv", index=False)
    test.to_csv(place / "test.csv", index=False)
    constant = float(((test[target] - train[target].mean()) ** 2).mean() ** 0.5)
    meta = {
        "target": target,
        "problem_type": "regression",
        "metric": "rmse",
        "n_train": len(train),
        "n_test": len(test),
        "n_features": table.shape[1] - 1,
        "baseline_constant": constant,
        "baseline_hgb": constant,
    }
    (place / "meta.json").write_text(json.dumps(meta))
    return place.parent


def arguments(folder: Path, *options: str) -> list[str]:
    return [str(folder), "--output", str(folder / "found.jsonl"), *options]


@pytest.mark.slow
def test_ours_is_measured_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = arguments(folder, "--engines", "ours-fast", "--time", "4", "--runs", str(folder / "runs"))
    command = [sys.executable, "-m", "benchmarks.compare", *options]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert first.returncode == 0, first.stderr
    [result] = read([folder / "found.jsonl"])
    assert "error" not in result, result["error"]
    assert result["score"] < result["baseline_constant"]
    assert result["inside"] in (True, False)
    costs = ("fit_seconds", "rows_per_second", "row_ms", "peak_bytes", "model_bytes", "candidates")
    assert all(result[name] > 0 for name in costs)
    [told] = (folder / "runs").glob("*/*/features.csv")
    assert json.loads((folder / "diabetes" / "meta.json").read_text())["target"] not in pd.read_csv(told)
    assert "## ours-fast@4 against the others" in first.stdout
    assert (folder / "found.svg").exists()
    main(arguments(folder, "--engines", "ours-fast", "--time", "4", "--no-summary"))
    assert capsys.readouterr().err == ""
    assert len(read([folder / "found.jsonl"])) == 1


def test_a_failure_is_a_result_that_is_repeated_on_demand_only(folder: Path) -> None:
    options = ("--engines", "flaml", "--environments", str(folder / "nowhere"), "--no-summary")
    for more, lines in (((), 1), ((), 1), (("--retry",), 2)):
        main(arguments(folder, *options, *more))
        assert len(read([folder / "found.jsonl"])) == lines
    assert "benchmarks.environments" in read([folder / "found.jsonl"])[-1]["error"]


def test_an_engine_that_is_not_known_is_said(folder: Path) -> None:
    with pytest.raises(SystemExit, match="got weka"):
        main(arguments(folder, "--engines", "weka"))


def test_a_line_that_was_cut_off_is_left_out_and_not_continued(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text('{"engine": "a"}\n{"engi')
    append(file, {"engine": "b"})
    assert read([file]) == [{"engine": "a"}, {"engine": "b"}]


def test_a_repeated_run_replaces_its_failure(tmp_path: Path) -> None:
    run = {"engine": "ours", "time": 60, "seed": 0, "busy": 0, "set": "x"}
    assert latest([run | {"error": "no"}, run | {"score": 1.0}]) == [run | {"score": 1.0}]
    assert write([], tmp_path / "summary") == "no results"


def test_a_process_that_does_not_end_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(RuntimeError, match="killed after 1 s"):
        execute(command, tmp_path / "log", limit=1, folder=tmp_path, extra={})


def test_the_end_of_what_a_process_said_is_in_its_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="left with 3: broken"):
        execute(
            [sys.executable, "-c", "import sys; sys.stderr.write('broken'); sys.exit(3)"],
            tmp_path / "log",
            limit=9,
            folder=tmp_path,
            extra={},
        )


def test_busy_processes_end() -> None:
    with busy(1):
        pass


def test_the_work_of_a_short_process_is_not_that_of_others(tmp_path: Path) -> None:
    burn = "import time; until = time.process_time() + 1.2\nwhile time.process_time() < until: pass"
    finished = execute([sys.executable, "-c", burn], tmp_path / "log", limit=60, folder=tmp_path, extra={})
    assert finished.seconds >= 1.2
    assert finished.others <= psutil.cpu_count() - 1.2 / finished.seconds + 0.1
