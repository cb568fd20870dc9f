"""A cluster predicts what one machine does, to the byte."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from test_batch_process import SHORT, command, contents, table

from automl import AutoML, load, predict_files
from automl.errors import SchemaError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROWS = 3 * SHORT


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frame = pd.DataFrame({"x": [i % 97 / 7 for i in range(300)], "city": ["Oslo", "Bodø", "Bergen"] * 100})
    frame["y"] = frame["x"] + (frame["city"] == "Oslo")
    return AutoML(max_trials=1, folds=2, output=tmp_path_factory.mktemp("model") / "run").fit(frame, target="y").run_


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("rows") / "new.csv", ROWS, wrong=30)


@pytest.fixture(scope="module")
def straight(model: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("straight") / "out"
    subprocess.run(command(model, source, out), capture_output=True, check=True)
    return contents(out)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two machines, as far as Ray can tell."""
    from ray.cluster_utils import Cluster

    machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 200_000_000})
    machines.add_node(num_cpus=1, object_store_memory=200_000_000)
    yield machines.address
    machines.shutdown()


def on_ray(model: Path, source: Path, output: Path, *options: str) -> list[str]:
    return [*command(model, source, output), "--engine", "ray", *options]


def machines_at_work() -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["name"]) if each.info["name"].startswith("ray::_Machine")]


def test_after_kills_here_and_there_the_output_is_the_same(
    model: Path, source: Path, straight: dict[str, bytes], cluster: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(on_ray(model, source, out, "--ray-address", cluster), stderr=subprocess.DEVNULL)
    while not (out / "part-00001.csv").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert 0 < len(list(out.glob("part-*"))) < 6
    process = subprocess.Popen(on_ray(model, source, out, "--ray-address", cluster), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not machines_at_work():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(machines_at_work()[0].pid, signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert "30 rejected" in said
    assert contents(out) == straight


def test_one_file_and_the_first_error_are_the_same(model: Path, source: Path, cluster: str, tmp_path: Path) -> None:
    good = table(tmp_path / "good.csv", SHORT)
    for engine, name in (("local", "a.parquet"), ("ray", "b.parquet")):
        address = cluster if engine == "ray" else None
        predict_files(load(model), good, tmp_path / name, engine=engine, ray_address=address)  # type: ignore[arg-type]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    messages = []
    for engine, address in (("local", None), ("ray", cluster)):
        with pytest.raises(SchemaError) as caught:
            predict_files(load(model), source, tmp_path / "c.csv", engine=engine, ray_address=address)  # type: ignore[arg-type]
        messages.append((str(caught.value), caught.value.cells))
    assert messages[0] == messages[1]
    assert not (tmp_path / "c.csv").exists()


def test_one_machine_alone_and_a_cluster_that_is_not_there(
    model: Path, source: Path, straight: dict[str, bytes], tmp_path: Path
) -> None:
    done = subprocess.run(on_ray(model, source, tmp_path / "out"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == straight
    wrong = on_ray(model, source, tmp_path / "none", "--ray-address", "127.0.0.1:1")
    failed = subprocess.run(wrong, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "127.0.0.1:1" in failed.stderr
