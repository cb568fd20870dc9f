from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pandas as pd
import pytest
from serving import started

from automl import Predictor, load
from automl.artifact import digest
from automl.deploy import reload
from automl.deploy.export import export
from automl.deploy.metrics import Metrics
from automl.deploy.reload import Reloader
from automl.deploy.served import Served, identity
from automl.deploy.variants import Lane, Role


def point(link: Path, to: Path) -> None:
    """Let a link point elsewhere, in one step."""
    partial = link.with_suffix(".new")
    partial.symlink_to(to)
    partial.replace(link)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_a_new_version_takes_over_without_a_lost_request(
    run: Path, other_run: Path, predictor: Predictor, tmp_path: Path
) -> None:
    live = tmp_path / "live"
    point(live, run)
    rows = predictor.example_rows()[:1]
    table = pd.DataFrame(rows)
    wanted = {
        model.predict_frame(table, proba=True).iloc[0]["probability_late"] for model in (predictor, load(other_run))
    }
    assert len(wanted) == 2
    with started("-m", "automl", "serve", live, "--port", "0", "--log", "none") as (process, _, address):
        done = False

        def ask(_: int) -> list[tuple[int, float, str]]:
            seen = []
            with httpx.Client(base_url=address, timeout=30) as client:
                while not done:
                    answer = client.post("/predict", json={"rows": rows})
                    late = answer.json()["predictions"][0]["probabilities"]["late"]
                    seen.append((answer.status_code, late, answer.headers["x-model-version"]))
            return seen

        first = version(address)
        with ThreadPoolExecutor(4) as threads:
            clients = threads.map(ask, range(4))
            try:
                point(live, other_run)
                process.send_signal(signal.SIGHUP)
                wait_for(lambda: version(address) != first)
            finally:
                done = True
            seen = [each for client in clients for each in client]
    assert {status for status, _, _ in seen} == {200}
    assert {(late, model) for _, late, model in seen} <= {
        (late, model) for late in wanted for model in {model for _, _, model in seen}
    }
    assert len({model for _, _, model in seen}) == len({late for _, late, _ in seen}) == 2


def version(address: str) -> str:
    return str(httpx.get(f"{address}/version").json()["model"]["id"])


@pytest.mark.parametrize("damage", ["a changed byte", "another target", "further columns", "nothing"])
def test_what_cannot_be_served_is_refused_and_the_old_version_stays(
    run: Path, wide_run: Path, churn_model: object, predictor: Predictor, tmp_path: Path, damage: str
) -> None:
    live, new = tmp_path / "live", tmp_path / "new"
    point(live, run)
    with started("-m", "automl", "serve", live, "--port", "0", "--watch", "0.1", "--log", "none") as (
        _,
        stderr,
        address,
    ):
        first = version(address)
        if damage == "another target":
            new = churn_model.run_  # type: ignore[attr-defined]
        elif damage == "further columns":
            new = wide_run
        elif damage == "a changed byte":
            export(run, new)
            file = next(path for path in new.rglob("*") if path.suffix in (".txt", ".npz", ".ubj", ".cbm"))
            file.write_bytes(file.read_bytes()[:-1] + b"~")
            (new / "manifest.json").write_text((new / "manifest.json").read_text() + " ")
            (new / "manifest.sha256").write_text("0" * 64)
        point(live, new)
        said = stderr.readline()
        assert f"main stays at {first}" in said
        assert damage != "further columns" or "'income'" in said
        assert httpx.post(f"{address}/predict", json={"rows": predictor.example_rows()}).status_code == 200
        assert version(address) == first
        assert 'automl_reloads_total{outcome="refused",variant="main"} 1.0' in httpx.get(f"{address}/metrics").text


def test_a_version_that_is_copied_over_the_old_one_is_served_when_it_is_complete(
    run: Path, other_run: Path, tmp_path: Path
) -> None:
    live = export(run, tmp_path / "live")
    new = export(other_run, tmp_path / "new")
    with started("-m", "automl", "serve", live, "--port", "0", "--watch", "0.1", "--log", "none") as (_, _, address):
        first = version(address)
        for path in sorted(new.rglob("*")):  # manifest.sha256 comes before the files that it speaks of
            if path.is_file():
                to = live / path.relative_to(new)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
        wait_for(lambda: version(address) != first)


def test_a_version_that_is_replaced_while_it_is_loaded_is_not_called_by_the_name_of_the_next(
    run: Path, other_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = export(run, tmp_path / "live")
    models = {"first": export(other_run, tmp_path / "first"), "second": export(run, tmp_path / "second")}
    names = {name: identity(place) for name, place in models.items()}

    def put(name: str) -> None:
        shutil.rmtree(live)
        shutil.copytree(models[name], live)

    lane = Lane("main", live, Role.MAIN, 1.0, Served.warm(load(models["second"])))
    reloader = Reloader([lane], Metrics(), None)
    put("first")

    def replaced(*_: object) -> None:
        monkeypatch.undo()
        put("second")

    monkeypatch.setattr(reload, "require_interchangeable", replaced)
    asyncio.run(reloader.look())
    assert lane.served.id == names["first"] == digest(lane.served.predictor.manifest)[:12]
    asyncio.run(reloader.look())
    assert lane.served.id == names["second"] == digest(lane.served.predictor.manifest)[:12]


def test_a_file_that_is_replaced_is_served(run: Path, other_run: Path, tmp_path: Path) -> None:
    live = export(run, tmp_path / "live.tar.gz")
    new = export(other_run, tmp_path / "new.tar.gz")
    with started("-m", "automl", "serve", live, "--port", "0", "--watch", "0.1", "--log", "none") as (_, _, address):
        first = version(address)
        new.replace(live)
        wait_for(lambda: version(address) != first)
        text = httpx.get(f"{address}/metrics").text
        assert 'automl_reloads_total{outcome="served",variant="main"} 1.0' in text
        assert 'outcome="refused"' not in text
