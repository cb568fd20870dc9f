import io
from dataclasses import replace
from math import nan

import pytest
from rich.console import Console

from automl.cli.progress import Lines, RowLines, View, remaining, rows_left, standing
from automl.deploy.batch import BatchProgress
from automl.evaluation.interval import Score
from automl.evaluation.leaderboard import Leaderboard, Row
from automl.tuning.progress import Snapshot

ROW = Row("c-1", "linear", Score(0.75, 0.7, 0.8), 1.5, 0.01, 2000, "done", "", 1.0, 5, {})
BOARD = Leaderboard([ROW], "roc_auc", greater_is_better=True)


def drawn(view: View) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as capture:
        console.print(view.render())
    return capture.get()


def test_lines_hold_every_message_and_few_standings() -> None:
    stream = io.StringIO()
    show = Lines(stream)
    show(Snapshot(0.5, 60, "target 'y': binary"))
    for second in range(1, 1001):
        show(Snapshot(second, 2000, board=BOARD, finished=second, score=ROW.score))
    lines = stream.getvalue().splitlines()
    assert lines[0].split(maxsplit=1) == ["0s", "target 'y': binary"]
    assert lines[1].split(maxsplit=1) == ["1s", "1 candidate done, roc_auc 0.75 (0.7 to 0.8)"]
    assert 10 < len(lines) < 50


def test_nothing_is_said_twice() -> None:
    stream = io.StringIO()
    show = Lines(stream)
    for second in range(100):
        show(Snapshot(second, 200, finished=1))
    assert len(stream.getvalue().splitlines()) == 1


def test_view_starts_empty_and_then_shows_the_run() -> None:
    view = View(max_trials=None)
    assert "starting" in drawn(view)
    view.snapshot = Snapshot(3, 60, board=BOARD, running=("c-2", "c-3"), finished=1, score=ROW.score)
    text = drawn(view)
    for part in ("left", "1 candidate done", "roc_auc 0.75", "training c-2, c-3", "c-1", "linear", "1.5"):
        assert part in text


def test_a_trial_that_runs_has_a_score_without_an_interval() -> None:
    view = View(max_trials=None)
    view.snapshot = Snapshot(3, 60, board=Leaderboard([replace(ROW, score=Score(0.625, nan, nan))], "roc_auc", True))
    text = drawn(view)
    assert "0.625" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("budget", "finished", "trials", "left"),
    [(60, 0, None, 50), (None, 5, 10, 10), (60, 5, 10, 10), (12, 5, 10, 2), (5, 1, None, 0), (None, 0, 10, None)],
)
def test_remaining_is_the_nearest_limit(
    budget: float | None, finished: int, trials: int | None, left: float | None
) -> None:
    assert remaining(Snapshot(10, budget, finished=finished), 10, trials) == left


def test_standing_without_a_score() -> None:
    assert standing(Snapshot(1, None)) == "0 candidates done"


def test_rows_are_said_after_a_while_and_then_rarely() -> None:
    stream = io.StringIO()
    show = RowLines(stream)
    for second in range(1, 1001):
        show(BatchProgress(rows=100_000, done=100 * second, seconds=second))
    lines = stream.getvalue().splitlines()
    assert lines[0].strip() == "10s, about 16m30s left  1,000 of 100,000 rows, 100 rows/s"
    assert 10 < len(lines) < 30


def test_rows_of_an_earlier_run_do_not_make_it_faster() -> None:
    assert BatchProgress(rows=100, done=90, earlier=80, seconds=2).rate == 5
    assert rows_left(BatchProgress(rows=100, done=80, earlier=80, seconds=2)) == "2s"
