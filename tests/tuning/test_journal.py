"""What is in the journal is whole, and stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toys import Shift

from automl.errors import ArtifactError
from automl.tuning.candidate import Candidate
from automl.tuning.journal import FoldRecord, Journal, read_json, write_json

CANDIDATE = Candidate("toy", {"offset": 1.0}, "portfolio", 3)


class Exploding(Shift):
    def save(self, folder: Path) -> None:
        super().save(folder)
        raise OSError("disk full")


def record(fold: int, loss: float = 0.5) -> FoldRecord:
    return FoldRecord(fold, loss, 0.5, 1.0, 0.1, 4, 0, "recipe", {"rounds": 7}, 12.0)


def test_a_fold_comes_back_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(CANDIDATE)
    prediction = np.array([1.0, 2.0, 3.0, 4.0])
    journal.write_fold(CANDIDATE, record(1), Shift([2.5]), prediction)
    trial = journal.trial(CANDIDATE.id)
    assert trial.candidate == CANDIDATE
    assert trial.status == "running"
    assert trial.folds[1].details == {"rounds": 7}
    assert trial.folds[1].size == len("[2.5]")
    np.testing.assert_array_equal(journal.prediction(CANDIDATE.id, 1), prediction)
    assert not trial.complete(1)
    assert not trial.complete(2)


def test_a_fold_that_could_not_be_written_is_not_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(CANDIDATE)
    with pytest.raises(OSError, match="disk full"):
        journal.write_fold(CANDIDATE, record(0), Exploding([1.0]), np.zeros(4))
    assert journal.trial(CANDIDATE.id).folds == {}
    journal.write_fold(CANDIDATE, record(0), Shift([1.0]), np.zeros(4))
    assert list(journal.trial(CANDIDATE.id).folds) == [0]


def test_the_first_of_two_writers_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(CANDIDATE)
    journal.write_fold(CANDIDATE, record(0, loss=1.0), Shift([1.0]), np.zeros(4))
    journal.write_fold(CANDIDATE, record(0, loss=2.0), Shift([2.0]), np.ones(4))
    assert journal.trial(CANDIDATE.id).folds[0].loss == 1.0
    assert sorted(place.name for place in journal.fold(CANDIDATE.id, 0).parent.iterdir()) == [
        "candidate.json",
        "fold-0",
    ]


def test_trials_come_in_the_order_of_their_proposal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for index in (5, 2, 9):
        journal.open(Candidate("toy", {"offset": float(index)}, "search", index))
    journal.end(Candidate("toy", {"offset": 2.0}, "search", 2), "failed", "ValueError: no")
    trials = journal.trials()
    assert [trial.candidate.index for trial in trials] == [2, 5, 9]
    assert (trials[0].status, trials[0].reason) == ("failed", "ValueError: no")


def test_json_files_are_replaced_in_one_step(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1})
    write_json(tmp_path / "a.json", {"x": 2})
    assert read_json(tmp_path / "a.json") == {"x": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(ArtifactError, match="not a run folder"):
        read_json(tmp_path / "b.json")
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(ArtifactError, match="damaged"):
        read_json(tmp_path / "c.json")
