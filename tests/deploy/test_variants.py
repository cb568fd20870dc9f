from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from serving import started

from automl import AutoML, Predictor, load
from automl.data.table import Column, Kind, ProblemType, Schema, Task
from automl.deploy.answers import Answers
from automl.deploy.bodies import Rows
from automl.deploy.options import ServeOptions
from automl.deploy.served import Served, require_interchangeable, require_same_question
from automl.deploy.server import open_app
from automl.deploy.variants import Canary, Lane, Role, Variant, check_variants, pick
from automl.errors import AutoMLError, UsageError


@pytest.fixture(scope="module")
def lanes(predictor: Predictor) -> list[Lane]:
    served = Served.warm(predictor)
    shares = {"main": (Role.MAIN, 1.0), "b": (Role.SPLIT, 0.3), "c": (Role.CANARY, 0.1), "d": (Role.SHADOW, 1.0)}
    return [Lane(name, predictor.folder, role, share, served) for name, (role, share) in shares.items()]


def test_requests_are_shared_out_by_their_id(lanes: list[Lane]) -> None:
    ids = [f"request-{number}" for number in range(10_000)]
    names = [pick(lanes, each).name for each in ids]
    assert names == [pick(lanes, each).name for each in ids]
    counts = Counter(names)
    assert {name: round(count / 10_000, 1) for name, count in counts.items()} == {"main": 0.6, "b": 0.3, "c": 0.1}


@pytest.mark.parametrize("why", ["failing", "slow"])
def test_a_canary_that_is_worse_loses_its_share(lanes: list[Lane], why: str) -> None:
    canary, main, split = Canary(), lanes[0], lanes[1]
    own = Lane("new", main.path, Role.CANARY, 0.2, main.served)
    ended = []
    for number in range(2 * Canary.SEEN):
        canary.note(main, main, failed=number % 20 == 0, seconds=0.01)
        canary.note(split, main, failed=True, seconds=1.0)
        failed = why == "failing" and number % 5 == 0
        ended.append(canary.note(own, main, failed=failed, seconds=0.04 if why == "slow" else 0.012))
    assert ended.index(True) == Canary.SEEN - 1
    assert ended.count(True) == 1
    assert own.share == 0.0
    assert split.share == 0.3


def test_a_new_version_of_a_canary_begins_anew(lanes: list[Lane], other_run: Path) -> None:
    canary, main = Canary(), lanes[0]
    own = Lane("new", main.path, Role.CANARY, 0.2, main.served)
    for number in range(Canary.SEEN):
        canary.note(main, main, failed=False, seconds=0.01)
        canary.note(own, main, failed=number % 2 == 0, seconds=0.01)
    assert own.share == 0.0
    own.served = Served.warm(load(other_run))
    assert own.share == 0.2
    assert not any(canary.note(own, main, failed=False, seconds=0.01) for _ in range(2 * Canary.SEEN))
    assert own.share == 0.2


def test_a_canary_that_is_as_good_keeps_its_share(lanes: list[Lane]) -> None:
    canary, main = Canary(), lanes[0]
    own = Lane("new", main.path, Role.CANARY, 0.2, main.served)
    for number in range(300):
        canary.note(main, main, failed=number % 50 == 0, seconds=0.01)
        assert not canary.note(own, main, failed=number % 30 == 0, seconds=0.025)


@pytest.mark.parametrize("text", ["b", "b=", "=0.1", "b=1.5", "b=x", "b=-1", "b=nan"])
def test_a_share_is_between_0_and_1(text: str) -> None:
    with pytest.raises(UsageError, match="PATH=SHARE"):
        Variant.parse(text, Role.SPLIT)


def test_a_canary_leaves_something_to_compare_it_with() -> None:
    assert Variant.parse("b=1", Role.SPLIT).share == 1
    with pytest.raises(UsageError, match="leave that some of the requests"):
        Variant.parse("b=1", Role.CANARY)


def test_variants_must_fit_together() -> None:
    with pytest.raises(UsageError, match="differ"):
        check_variants([Variant(Path("a/b"), Role.SPLIT), Variant(Path("c/b"), Role.SHADOW)])
    with pytest.raises(UsageError, match=r"1\.1 together"):
        check_variants([Variant(Path("b"), Role.SPLIT, 0.6), Variant(Path("c"), Role.CANARY, 0.5)])


@pytest.mark.parametrize("role", [Role.SPLIT, Role.CANARY, Role.SHADOW])
def test_a_variant_answers_the_same_question(run: Path, churn_model: AutoML, role: Role) -> None:
    options = ServeOptions(variants=(Variant(churn_model.run_, role, 0.5),))
    with pytest.raises(AutoMLError, match="cannot be served beside"):
        open_app(run, options)


@pytest.mark.parametrize(
    "change", [{"target": "b"}, {"classes": ("x", "y")}, {"levels": (0.5,)}, {"problem_type": ProblemType.MULTICLASS}]
)
def test_the_question_is_the_target_its_type_and_what_can_be_answered(change: dict[str, Any]) -> None:
    task = Task("a", ProblemType.BINARY, "", ("no", "yes"))
    require_same_question(task, replace(task, reason="another", decimal=","))
    with pytest.raises(AutoMLError, match=next(iter(change))):
        require_same_question(task, replace(task, **change))


def test_what_takes_the_place_of_a_model_needs_no_further_columns(run: Path, wide_run: Path) -> None:
    narrow, wide = load(run), load(wide_run)
    require_interchangeable(wide, narrow)
    with pytest.raises(AutoMLError, match=r"needs columns that .* not: 'income'"):
        require_interchangeable(narrow, wide)


@pytest.mark.parametrize("role", [Role.SPLIT, Role.CANARY, Role.SHADOW])
def test_a_variant_that_needs_further_columns_is_refused_at_start(run: Path, wide_run: Path, role: Role) -> None:
    with pytest.raises(AutoMLError, match=r"cannot be served beside the main model: .*'income'"):
        open_app(run, ServeOptions(variants=(Variant(wide_run, role, 0.5),)))


@pytest.mark.parametrize(
    ("kind", "other", "fits"),
    [
        ({"kind": Kind.NUMERIC}, {"kind": Kind.CATEGORICAL}, True),
        ({"kind": Kind.CATEGORICAL}, {"kind": Kind.NUMERIC}, False),
        ({"kind": Kind.TEXT, "separator": "["}, {"kind": Kind.TEXT, "separator": "["}, True),
        ({"kind": Kind.TEXT, "separator": "["}, {"kind": Kind.CATEGORICAL}, False),
        (
            {"kind": Kind.BOOLEAN, "categories": ("left", "right")},
            {"kind": Kind.BOOLEAN, "categories": ("no", "yes")},
            False,
        ),
    ],
)
def test_what_takes_the_place_of_a_model_reads_what_that_reads(
    predictor: Predictor, kind: dict[str, Any], other: dict[str, Any], fits: bool
) -> None:
    old, new = (
        replace(predictor, schema=Schema((replace(Column("a", Kind.TEXT, ""), **change),)), examples=[{"a": "left"}])
        for change in (kind, other)
    )
    if fits:
        require_interchangeable(old, new)
    else:
        with pytest.raises(AutoMLError, match="column 'a'"):
            require_interchangeable(old, new)


def test_the_answer_names_who_gave_it(run: Path, other_run: Path, predictor: Predictor, tmp_path: Path) -> None:
    shadow, other = tmp_path / "shadow", tmp_path / "модель b"
    shadow.symlink_to(other_run)
    other.symlink_to(other_run)
    options = ("--variant", f"{other}=0.5", "--shadow", shadow, "--log", "none")
    with (
        started("-m", "automl", "serve", run, "--port", "0", *options) as (_, _, address),
        httpx.Client(base_url=address) as client,
    ):
        body = {"rows": predictor.example_rows()[:1]}
        answers = [client.post("/predict", json=body, headers={"x-request-id": f"r{n}"}) for n in range(40)]
        seen = {(unquote(answer.headers["x-model-variant"]), answer.text) for answer in answers}
        assert sorted(variant for variant, _ in seen) == ["main", "модель b"]
        assert len({text for _, text in seen}) == 2
        time.sleep(0.2)
        text = client.get("/metrics").text
        compared = [line for line in text.splitlines() if line.startswith("automl_shadow_answers_total")]
        assert sum(float(line.rpartition(" ")[2]) for line in compared) == 40


def test_a_version_that_is_asked_for_answers_whatever_its_share(
    run: Path, other_run: Path, predictor: Predictor
) -> None:
    app = open_app(run, ServeOptions(variants=(Variant(other_run, Role.SPLIT, 0.5),)))
    row = predictor.example_rows()[0]
    body = {"inputs": [{"name": name, "shape": [1], "datatype": "BYTES", "data": [row[name]]} for name in row]}

    async def scene(version: str) -> set[tuple[int, str | None]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            path = f"/v2/models/model/versions/{version}/infer"
            answers = [await client.post(path, json=body) for _ in range(20)]
            return {(answer.status_code, answer.headers.get("x-model-version")) for answer in answers}

    for version in (Served.warm(predictor).id, Served.warm(load(other_run)).id):
        assert asyncio.run(scene(version)) == {(200, version)}
    assert asyncio.run(scene("7")) == {(404, None)}


def test_what_a_canary_cannot_answer_the_main_model_answers_until_it_is_rolled_back(
    run: Path, other_run: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ServeOptions(variants=(Variant(other_run, Role.CANARY, 0.5),))
    app = open_app(run, options)
    other = Served.warm(load(other_run)).id
    answer = Served.answer

    def failing(self: Served, rows: Rows, interval: float | None) -> Answers:
        if self.id == other:
            raise ZeroDivisionError
        return answer(self, rows, interval)

    monkeypatch.setattr(Served, "answer", failing)

    async def scene() -> tuple[set[tuple[int, str]], str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            body = {"rows": predictor.example_rows()[:1]}
            answers = [await client.post("/predict", json=body) for _ in range(160)]
            metrics = await client.get("/metrics")
            return {(each.status_code, each.headers["x-model-variant"]) for each in answers}, metrics.text

    seen, metrics = asyncio.run(scene())
    assert seen == {(200, "main")}
    assert 'automl_canary_rollbacks_total{variant="other"} 1.0' in metrics
