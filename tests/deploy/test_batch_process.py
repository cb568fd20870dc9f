"""Real processes: one that is killed, and some whose memory is measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LONG, SHORT = 2_000_000, 200_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=300).round(3), "city": rng.choice(["Oslo", "Bodø"], 300)})
    frame["y"] = frame["x"] + (frame["city"] == "Oslo")
    return AutoML(max_trials=1, folds=2, output=tmp_path_factory.mktemp("model") / "run").fit(frame, target="y").run_


def table(path: Path, rows: int, wrong: int = 0) -> Path:
    """Write rows with an identifier, and one wrong cell in each of the first ``wrong`` ten thousands."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,x,city\n")
        for start in range(0, rows, 10_000):
            lines = [f"{i},{i % 977 / 100},{'Oslo' if i % 3 else 'Bodø'}\n" for i in range(start, start + 10_000)]
            if start < wrong * 10_000:
                lines[7] = f"{start + 7},seven,Oslo\n"
            file.writelines(lines)
    return path


def command(model: Path, source: Path, output: Path) -> list[str]:
    return [sys.executable, "-m", "automl", "predict", str(model), str(source), "-o", str(output), "--keep", "id"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_kill_9_then_the_same_command_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "new.csv", 10 * SHORT, wrong=150)
    subprocess.run(command(model, source, tmp_path / "straight"), capture_output=True, check=True)
    out = tmp_path / "out"
    for parts in (2, 9, 14):
        process = subprocess.Popen(command(model, source, out), stderr=subprocess.PIPE)
        while not (out / f"part-{parts:05}.csv").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert 0 < len(list(out.glob("part-*"))) < 20
    end = subprocess.run(command(model, source, out), capture_output=True, check=True, text=True)
    assert "2,000,000 of 2,000,000 rows" in end.stderr
    assert "of an earlier run, 150 rejected" in end.stderr
    assert contents(out) == contents(tmp_path / "straight")
    frame = pd.concat([pd.read_csv(part) for part in sorted(out.glob("part-*"))], ignore_index=True)
    assert frame["id"].tolist() == list(range(10 * SHORT))
    assert np.flatnonzero(frame["prediction"].isna()).tolist() == list(range(7, 1_500_000, 10_000))
    sample = pd.read_csv(source, skiprows=range(1, 1_999_001))
    assert frame["prediction"].tolist()[-1_000:] == load(model).predict(sample).tolist()


def peak(model: Path, source: Path, output: Path) -> int:
    """Return the most memory that a prediction takes, in bytes."""
    process = subprocess.Popen(command(model, source, output), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_rows(ending: str, model: Path, tmp_path: Path) -> None:
    peaks = []
    for rows in (SHORT, LONG):
        source = table(tmp_path / f"{rows}.csv", rows)
        if ending == "parquet":
            pd.read_csv(source).to_parquet(tmp_path / f"{rows}.parquet")
            source = tmp_path / f"{rows}.parquet"
        peaks.append(
            peak(model, source, tmp_path / f"{rows}-out" if ending == "csv" else tmp_path / f"{rows}-out.parquet")
        )
    assert peaks[1] < 1e9
    assert peaks[1] < peaks[0] + 150e6
