"""A run that is killed at any moment loses nothing that it had finished. Real kills of real processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from automl import load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ROWS = 1_500


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 6)), columns=[f"x{i}" for i in range(6)])
    frame["city"] = rng.choice(["Oslo", "Bergen", "Tromsø", "Bodø"], ROWS)
    frame["y"] = np.where(frame["x0"] * frame["x1"] + 0.3 * rng.normal(size=ROWS) > 0, "yes", "no")
    path = tmp_path_factory.mktemp("data") / "table.csv"
    frame.to_csv(path, index=False)
    return path


def start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "automl", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def folds(run: Path) -> dict[str, float]:
    """Return every finished fold with the moment at which it was finished."""
    records = run.glob("trials/*/fold-*/record.json")
    return {
        f"{file.parent.parent.name}/{file.parent.name}": json.loads(file.read_text())["finished"] for file in records
    }


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


@pytest.mark.parametrize("seed", range(20))
def test_kill_9_of_the_whole_tree(table: Path, tmp_path: Path, seed: int) -> None:
    run = tmp_path / "run"
    process = start("fit", table, "--target", "y", "--time", "60s", "--output", run)
    time.sleep(random.Random(seed).uniform(1.0, 14.0))
    kill_tree(process)
    before = folds(run)
    if not (run / "run.json").exists():
        return  # killed before there was a run: nothing to lose
    if (run / "model").exists():
        load(run)
    resumed = subprocess.run(
        [sys.executable, "-m", "automl", "resume", run, "--time", "12s", "--json"], capture_output=True, check=True
    )
    after = folds(run)
    assert {name: after.get(name) for name in before} == before
    assert len(after) > len(before)
    model = load(run)
    assert model.score.value == json.loads(resumed.stdout)["score"]["value"]
    assert len(model.predict(pd.read_csv(table).drop(columns="y"))) == ROWS


def title(process: psutil.Process) -> str:
    """Return what a process calls itself; nothing if it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_kill_9_of_workers_costs_only_their_fold(table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("fit", table, "--target", "y", "--time", "45s", "--output", run)
    killed = 0
    while process.poll() is None and killed < 3:
        time.sleep(4)
        family = psutil.Process(process.pid).children(recursive=True)
        if workers := [child for child in family if "Trainable" in title(child)]:
            workers[0].kill()
            killed += 1
    assert process.wait() == 0
    assert killed == 3
    assert load(run).score.value > 0.9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_best_so_far(table: Path, tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    process = start("fit", table, "--target", "y", "--time", "100s", "--output", run)
    time.sleep(14)
    os.kill(process.pid, number)
    assert process.wait(timeout=20) == 130
    assert load(run).score.value > 0.9


def test_sigterm_ends_a_script_that_trains_one_model_after_another(table: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from automl import AutoML\n"
        "for name in 'ab': AutoML(time_budget=100, output=f'{sys.argv[2]}/{name}').fit(sys.argv[1], target='y')"
    )
    process = subprocess.Popen([sys.executable, "-c", code, table, tmp_path], start_new_session=True)
    time.sleep(14)
    process.terminate()
    assert process.wait(timeout=20) == -signal.SIGTERM
    assert [run.name for run in tmp_path.iterdir()] == ["a"]
    assert load(tmp_path / "a").score.value > 0.9
