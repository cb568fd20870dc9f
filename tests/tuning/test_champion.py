"""The predictor on disk is only ever replaced by a better one, in one step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import islice
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from toys import Base, Shift, Toy

from automl import load
from automl.config import FitConfig
from automl.deadline import Deadline
from automl.models.base import FitContext, FoldData, Model, Params, Progress
from automl.tuning.candidate import Candidate
from automl.tuning.champion import Champion, point_to
from automl.tuning.journal import Journal
from automl.tuning.store import StoredRun
from automl.tuning.trial import Allowance, TrialRunner


class Large(Shift):
    """A model of a megabyte, in a folder below its own."""

    def save(self, folder: Path) -> None:
        super().save(folder)
        (folder / "below").mkdir()
        (folder / "below" / "weights.npy").write_bytes(bytes(1_000_000))


class Deep(Toy):
    """A family of such models."""

    name = "deep"

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        yield from ()
        return Large([float(np.mean(data.y_train))])


NewRun = Callable[[FitConfig], tuple[Path, StoredRun]]


@pytest.fixture(params=[False], ids=["champion"])
def train(
    toy_run: NewRun, toy_families: Callable[..., None], request: pytest.FixtureRequest
) -> tuple[Champion, Path, Callable[..., bool]]:
    toy_families(Toy(), Base())
    root, run = toy_run(FitConfig(max_trials=9))
    journal = Journal(root)
    champion = Champion(run.problem, journal, run.about, repeatable=request.param)
    runner = TrialRunner(run.problem, journal)

    def train_one(offset: float, family: str = "toy", deadline: Deadline = Deadline()) -> bool:  # noqa: B008
        origin = "baseline" if family == "base" else "portfolio"
        candidate = Candidate(family, {"offset": offset}, origin, len(journal.trials()))
        list(runner.run(candidate, Allowance()))
        journal.end(candidate, "done")
        return champion.update(deadline)

    return champion, root, train_one


def test_only_a_better_predictor_replaces_the_one_on_disk(train) -> None:
    champion, root, train_one = train
    assert train_one(9.0, "base")
    baseline = champion.predictor.score.value
    assert train_one(5.0)
    better = champion.predictor.score.value
    assert better < baseline
    assert not train_one(8.0)
    assert load(root).score.value == champion.predictor.score.value == better
    assert train_one(0.1)
    assert load(root).score.value < better


@pytest.mark.parametrize("train", [True], indirect=True, ids=["repeatable"])
def test_where_runs_are_repeatable_the_last_choice_counts(train) -> None:
    champion, root, train_one = train
    for offset in (5.0, 8.0, 0.1, 9.0):
        assert train_one(offset)
        assert load(root).score.value == champion.predictor.score.value


def test_without_time_only_a_first_predictor_is_made(train) -> None:
    champion, root, train_one = train
    assert train_one(5.0, deadline=Deadline(0.0))
    assert not train_one(0.1, deadline=Deadline(0.0))
    assert champion.update()
    assert load(root).score.value == champion.predictor.score.value


def test_a_first_model_that_comes_late_still_replaces_the_baseline(train) -> None:
    champion, root, train_one = train
    assert train_one(9.0, "base")
    baseline = champion.predictor.score.value
    assert train_one(5.0, deadline=Deadline(0.0))
    assert load(root).score.value < baseline
    assert not train_one(0.1, deadline=Deadline(0.0))


def test_who_goes_on_with_a_run_keeps_its_predictor_until_there_is_a_better_one(train) -> None:
    """A choice that has no time is of one member only."""
    champion, root, train_one = train
    for offset in (4.0, -4.5):
        train_one(offset)
    kept = champion.predictor.score
    resumed = Champion(champion._problem, Journal(root), champion._about)
    assert resumed.predictor.score == kept
    assert not resumed.update(Deadline(0.0))
    assert load(root).score == kept
    list(
        TrialRunner(champion._problem, Journal(root)).run(
            better := Candidate("toy", {"offset": 0.1}, "search"), Allowance()
        )
    )
    Journal(root).end(better, "done")
    assert resumed.update()
    assert load(root).score.value == resumed.predictor.score.value < kept.value


def test_who_goes_on_with_a_baseline_replaces_it_by_whatever_was_trained(train) -> None:
    champion, root, train_one = train
    train_one(0.0, "base")
    resumed = Champion(champion._problem, Journal(root), champion._about)
    list(
        TrialRunner(champion._problem, Journal(root)).run(
            worse := Candidate("toy", {"offset": 9.0}, "search"), Allowance()
        )
    )
    Journal(root).end(worse, "done")
    assert resumed.update(Deadline(0.0))
    assert [each["family"] for each in load(root).manifest["members"]] == ["toy"]


def test_the_ten_thousandth_predictor_comes_after_the_one_before_it(train) -> None:
    _, root, train_one = train
    train_one(5.0)
    for number in ("9998", "9999"):
        (root / "models" / number).mkdir()
    assert train_one(3.0)
    assert train_one(1.0)
    assert (root / "model").resolve().name == "10001"
    assert load(root)


def test_old_predictors_are_removed_but_for_the_last(train) -> None:
    _, root, train_one = train
    for offset in (9.0, 7.0, 5.0, 3.0, 1.0):
        assert train_one(offset)
    versions = sorted(place.name for place in (root / "models").iterdir())
    assert versions == ["0004", "0005"]
    assert (root / "model").resolve().name == "0005"


def test_the_baseline_is_on_the_board_but_not_in_the_ensemble(train) -> None:
    champion, _, train_one = train
    train_one(9.0, "base")
    train_one(6.0)
    rows = {row.family: row for row in champion.board().rows}
    assert rows["base"].weight == 0
    assert rows["toy"].weight == 1


def test_only_what_has_ended_has_an_interval(train) -> None:
    champion, root, train_one = train
    journal, params = Journal(root), {"offset": 3.0}
    train_one(1.0)
    running = Candidate("toy", params, "portfolio", 1)
    list(islice(TrialRunner(champion._problem, journal).run(running, Allowance()), 5))
    done, part = (row.score for row in champion.board().rows)
    assert done.low < done.value < done.high
    assert (part.value > done.value, isnan(part.low), isnan(part.high)) == (True, True, True)
    journal.end(running, "stopped")
    assert not isnan(champion.board().rows[1].score.low)


def test_the_score_is_that_of_predictions_on_rows_the_models_did_not_see(train) -> None:
    champion, root, train_one = train
    train_one(0.0)
    run = champion._problem
    candidate = Journal(root).trials()[0].candidate.id
    parts = np.concatenate([Journal(root).prediction(candidate, fold) for fold in range(3)])
    expected = float(np.mean(np.abs(parts - run.y_valid)))
    assert champion.predictor.score.value == pytest.approx(expected)


def test_what_is_kept_in_memory_is_that_of_the_last_ensemble(train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all that any ensemble before it chose from: that would grow as long as a run lasts."""
    monkeypatch.setattr("automl.tuning.champion._CONTENDERS", 2)
    champion, _, train_one = train
    for offset in (5.0, 3.0, 1.0, 0.1):
        train_one(offset)
    served = [fold.model for part in champion.predictor.parts for fold in part.models]
    held = [each for each in champion._opened.values() if isinstance(each, Model)]
    assert {id(each) for each in held} == {id(each) for each in served}
    best = sorted(champion._journal.trials(), key=lambda trial: trial.loss(3))[:2]
    assert set(champion._predictions) == {trial.candidate.id for trial in best}


def test_a_model_in_folders_of_its_own_is_as_large_as_its_files(
    toy_run: NewRun, toy_families: Callable[..., None]
) -> None:
    """So that none is brought into its form for few rows that would take longer than there is time."""
    toy_families(Deep())
    root, run = toy_run(FitConfig(max_trials=1))
    journal, candidate = Journal(root), Candidate("deep", {"offset": 1.0}, "portfolio")
    list(TrialRunner(run.problem, journal).run(candidate, Allowance()))
    champion = Champion(run.problem, journal, run.about)
    champion.update()
    champion.quicken(Deadline.after(0.1))
    assert list(root.rglob("quick")) == []
    champion.quicken(Deadline.after(3600))
    assert len(list(root.glob("trials/*/*/quick"))) == 3


def test_a_link_is_replaced_in_one_step_and_takes_the_place_of_a_copy(tmp_path: Path) -> None:
    (tmp_path / "link" / "as copied").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        point_to(tmp_path / "link", Path(name))
        assert (tmp_path / "link").resolve().name == name
    assert sorted(place.name for place in tmp_path.iterdir()) == ["a", "b", "link"]
