"""The leaderboard's order and its three forms."""

import json
from math import inf, nan

import pandas as pd
import pytest

from automl.evaluation.interval import Score
from automl.evaluation.leaderboard import Leaderboard, Row


def row(candidate, value=None, *, folds=5, status="done", reason="", low=0.1, seconds=1.0):
    score = None if value is None else Score(value, low, 0.9)
    return Row(candidate, "linear", score, seconds, 0.02, 1_500_000, status, reason, 0.25, folds, {"l2": 1.0})


ROWS = [
    row("failed", None, folds=0, status="failed", reason="MemoryError:\n  needs 9 GB"),
    row("worse", 0.6),
    row("undefined", nan),
    row("lucky", 0.8, folds=1, status="stopped", reason="behind the others"),
    row("better", 0.7),
    row("quicker", 0.6, seconds=0.5),
]


@pytest.mark.parametrize(
    ("greater_is_better", "order"),
    [
        (True, ["better", "quicker", "worse", "lucky", "undefined", "failed"]),
        (False, ["quicker", "worse", "better", "lucky", "undefined", "failed"]),
    ],
)
def test_best_first_partial_then_unscored_last(greater_is_better, order):
    board = Leaderboard(ROWS, "metric", greater_is_better)
    assert [each.candidate for each in board.rows] == order
    assert Leaderboard(ROWS[::-1], "metric", greater_is_better) == board


def test_json_is_strict():
    board = Leaderboard([*ROWS, row("unbounded", 0.5, low=-inf)], "r2", greater_is_better=True)
    found = {each["candidate"]: each for each in json.loads(json.dumps(board.to_json(), allow_nan=False))}
    assert found["failed"]["score"] is None
    assert found["undefined"]["score"] is None
    assert found["unbounded"]["low"] is None
    assert found["better"] == {
        "candidate": "better",
        "family": "linear",
        "score": 0.7,
        "low": 0.1,
        "high": 0.9,
        "weight": 0.25,
        "folds": 5,
        "fit_seconds": 1.0,
        "predict_ms_per_row": 0.02,
        "size_bytes": 1_500_000,
        "status": "done",
        "reason": "",
        "params": {"l2": 1.0},
    }


def test_frame_has_the_columns_of_json():
    board = Leaderboard(ROWS, "roc_auc", greater_is_better=True)
    frame = board.to_frame()
    assert list(frame.columns) == list(board.to_json()[0])
    assert frame["candidate"].tolist() == [each.candidate for each in board.rows]
    assert frame["score"].isna().tolist() == [False] * 4 + [True] * 2
    assert pd.api.types.is_float_dtype(frame["score"])


def test_text_is_aligned_one_line_a_candidate_and_cut_to_the_width():
    board = Leaderboard(ROWS, "roc_auc", greater_is_better=True)
    title, header, *lines = board.to_text().split("\n")
    assert title == "roc_auc, higher is better"
    assert len(lines) == len(ROWS)
    place = header.index("status")
    assert [line[place:].split()[0] for line in lines] == ["done", "done", "done", "stopped:", "done", "failed:"]
    assert lines[-1].endswith("failed: MemoryError: needs 9 GB")
    assert max(map(len, board.to_text(width=60).split("\n"))) == 60
