from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from serving import running

from automl import Predictor
from automl.deploy.batching import Reply
from automl.deploy.bodies import Table
from automl.deploy.capture import Capture, CaptureOptions
from automl.deploy.columnar import PARQUET, write_parquet
from automl.deploy.options import ServeOptions
from automl.deploy.served import Served
from automl.deploy.server import create_app


def ask(predictor: Predictor, options: CaptureOptions, *requests: dict[str, object]) -> list[httpx.Response]:
    """Send requests to an application of its own, and end it."""
    app = create_app(predictor, ServeOptions(capture=options))

    async def scene() -> list[httpx.Response]:
        async with (
            running(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            return [await client.post("/predict", **request) for request in requests]  # type: ignore[arg-type]

    return asyncio.run(scene())


def test_what_was_asked_and_answered_is_kept(predictor: Predictor, table: pd.DataFrame, tmp_path: Path) -> None:
    rows = predictor.example_rows()[:2]
    features = table.drop(columns="late").head(3)
    columns = {name: pa.array(features[name], from_pandas=True) for name in features}
    answers = ask(
        predictor,
        CaptureOptions(tmp_path / "kept"),
        {"json": {"rows": rows}, "headers": {"x-request-id": "one"}},
        {"content": write_parquet(columns), "headers": {"content-type": PARQUET, "x-request-id": "two"}},
        {"json": {"rows": [{}]}},
    )
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    files = list((tmp_path / "kept").iterdir())
    assert [path.suffix for path in files] == [".parquet"]
    kept = pd.read_parquet(files[0])
    assert kept["inference_id"].tolist() == ["one:0", "one:1", "two:0", "two:1", "two:2"]
    assert kept["output.prediction"].tolist()[:2] == [
        record["prediction"] for record in json.loads(answers[0].content)["predictions"]
    ]
    assert set(kept["model"]) == {answers[0].headers["x-model-version"]}
    inputs = kept.filter(like="input.").rename(columns=lambda name: name.removeprefix("input."))
    wanted = predictor.predict_frame(inputs, proba=True).rename(columns=lambda name: f"output.{name}")
    pd.testing.assert_frame_equal(kept.filter(like="output."), wanted, check_dtype=False)


def test_a_share_is_kept_and_no_more_than_there_is_room_for(
    predictor: Predictor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    request: dict[str, object] = {"json": {"rows": predictor.example_rows()[:1]}}
    ask(predictor, CaptureOptions(tmp_path / "none", share=0.0), *[request] * 5)
    assert not list((tmp_path / "none").iterdir())
    ask(predictor, CaptureOptions(tmp_path / "full", max_bytes=0), request)
    assert not list((tmp_path / "full").iterdir())
    assert "0 bytes are kept, nothing more is" in caplog.text


def test_a_writer_that_is_behind_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.deploy.capture._WAITING", 10)
    capture = Capture(CaptureOptions(tmp_path, max_bytes=0))
    for _ in range(25):
        capture.note("id", "main", reply_of(rows=4), 100)
    assert capture.dropped == 23
    capture.close()
    assert capture.dropped == 25


def test_a_folder_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    capture = Capture(CaptureOptions(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    capture.note("id", "main", reply_of(rows=2), 100)
    capture.close()
    assert len(pd.concat(map(pd.read_parquet, (tmp_path / "gone").glob("*.parquet")))) == 2
    assert capture.dropped == 0


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    capture = Capture(CaptureOptions(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_text("no folder")
    capture.note("id", "main", reply_of(rows=1), 100)
    capture.close()
    assert capture.dropped == 1
    assert "could not be kept" in caplog.text


def test_reasons_are_kept_beside_answers_without(predictor: Predictor, tmp_path: Path) -> None:
    rows = predictor.example_rows()[:2]
    asked = [{"json": {"rows": rows}}, {"json": {"rows": rows}, "params": {"reasons": 9}}]
    explained = json.loads(ask(predictor, CaptureOptions(tmp_path), *asked)[1].content)["predictions"]
    (file,) = tmp_path.iterdir()
    for name in ("reasons", "explained"):
        kept = pd.read_parquet(file)[f"output.{name}"]
        assert kept[:2].isna().all()
        assert [json.loads(each) for each in kept[2:]] == [record[name] for record in explained]


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    capture = Capture(CaptureOptions(tmp_path))
    kept = reply_of(rows=2)
    mixed = np.empty(2, dtype=object)
    mixed[:] = ["word", {"a": 1}]
    capture.note("id", "main", replace(kept, answers={"prediction": mixed}), 100)
    capture.close()
    assert capture.dropped == 1
    assert not list(tmp_path.iterdir())


def reply_of(rows: int) -> Reply:
    table = Table([{"a": number} for number in range(rows)])
    return Reply(b"", Served(None, "id"), table, {"prediction": np.zeros(rows)})  # type: ignore[arg-type]
