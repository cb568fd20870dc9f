"""A model on Ray Serve, over a socket."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import httpx
import pandas as pd
import psutil
import pytest
from serving import started
from test_mixed_load import Crowd
from test_workers import Load, wait_for

from automl import Predictor
from automl.cli import main


@contextmanager
def on_ray(run: Path, *options: str) -> Iterator[tuple[Popen[str], str]]:
    command = ("-m", "automl", "serve", run, "--port", "0", "--log", "none", "--engine", "ray", *options)
    with started(*command) as (process, _, address):
        yield process, address


def replicas(process: Popen[str]) -> list[psutil.Process]:
    below = psutil.Process(process.pid).children(recursive=True)
    return [child for child in below if child.is_running() and child.name().startswith("ray::ServeRepli")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_replicas_answer_as_the_ordinary_server_and_drain(
    run: Path, predictor: Predictor, table: pd.DataFrame
) -> None:
    with on_ray(run, "--replicas", "2") as (process, address):
        assert len(replicas(process)) == 2
        assert urlsplit(address).hostname == "127.0.0.1"
        crowd = Crowd([predictor], table, urlsplit(address).port or 0)
        crowd.ask(1280)
        assert crowd.seen == {"right": 1280}
        busy = [sum(replica.cpu_times()[:2]) for replica in replicas(process)]
        assert min(busy) > max(busy) / 10
        load = Load(address, predictor)
        wait_for(lambda: load.answered > 50)
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        load.stop()
        assert load.lost == 0
        _, alive = psutil.wait_procs(below, timeout=30)
        assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_replica_that_dies_is_replaced(run: Path, predictor: Predictor) -> None:
    body = {"rows": predictor.example_rows()[:1]}
    with on_ray(run, "--replicas", "1") as (process, address), httpx.Client(base_url=address, timeout=60) as client:
        client.post("/predict", json=body).raise_for_status()
        first = replicas(process)[0].pid
        os.kill(first, signal.SIGKILL)
        seen = []
        deadline = time.monotonic() + 120
        while not seen or seen[-1] != 200:
            assert time.monotonic() < deadline
            seen.append(client.post("/predict", json=body).status_code)
            time.sleep(0.1)
        assert set(seen) <= {200, 503}
        assert first not in [replica.pid for replica in replicas(process)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_replicas_look_for_new_versions(run: Path, other_run: Path, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.symlink_to(run)
    with on_ray(live, "--replicas", "2", "--watch", "0.2") as (process, address):
        before = httpx.get(f"{address}/version", timeout=60).json()["model"]["id"]
        live.unlink()
        live.symlink_to(other_run)
        process.send_signal(signal.SIGHUP)  # ends nothing

        def all_new() -> bool:
            return {httpx.get(f"{address}/version", timeout=60).json()["model"]["id"] for _ in range(10)} != {before}

        wait_for(all_new)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--replicas", "2"], "--engine ray"),
        (["--ray-address", "auto"], "--engine ray"),
        (["--engine", "ray", "--workers", "2"], "--workers"),
        (["--capture-share", "0.5"], "--capture DIR"),
        (["--engine", "ray", "--replicas", "4..1"], "LEAST..MOST"),
        (["--engine", "ray", "--replicas", "many"], "LEAST..MOST"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    options: list[str], word: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(run), *options]) == 2
    shown = capsys.readouterr().err
    assert word in shown
    assert shown.count("\n") == 1


def test_what_cannot_be_loaded_is_said_before_ray_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path), "--engine", "ray"]) == 1
    assert "holds no model" in capsys.readouterr().err


def test_without_ray_serve_one_line_says_what_to_install(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ray

    monkeypatch.delattr(ray, "serve", raising=False)
    monkeypatch.setitem(sys.modules, "ray.serve", None)
    assert main(["serve", str(run), "--engine", "ray"]) == 2
    assert "pip install 'automl[scale]'" in capsys.readouterr().err
