"""What is predicted, and how the target is encoded."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from automl.data.table import Label, ProblemType, Task
from automl.data.task import encode_target, infer_task, task_from_json, task_to_json
from automl.errors import DataError

RNG = np.random.default_rng(0)
RINGS = [*RNG.poisson(8, 2000).tolist(), 29]
DIGITS = RNG.integers(0, 26, 2000).tolist()
BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION

TASKS = {
    "words": (["no", "yes", "no"], BINARY, ("no", "yes")),
    "blanks around words": ([" b", "a ", " a"], BINARY, ("a", "b")),
    "zeros and ones as text": (["0", "1", "1", None], BINARY, (0, 1)),
    "zeros and ones as floats": ([0.0, 1.0, np.nan], BINARY, (0, 1)),
    "bools": ([True, False], BINARY, (False, True)),
    "bools as text": (["TRUE", "false"], BINARY, (False, True)),
    "minus one and one": ([-1, 1, 1], BINARY, (-1, 1)),
    "two measures": ([0.5, 1.5, 0.5], BINARY, (0.5, 1.5)),
    "marks": ([3, 4, 5, 6, 7, 8, 9] * 5, MULTICLASS, (3, 4, 5, 6, 7, 8, 9)),
    "categories": (pd.Categorical(["a", "c", "b"] * 3), MULTICLASS, ("a", "b", "c")),
    "none is a class": (["none", "mild", "severe"] * 3, MULTICLASS, ("mild", "none", "severe")),
    "zeros before numbers": (["01", "02", "10"] * 3, MULTICLASS, ("01", "02", "10")),
    "many even classes": (DIGITS, MULTICLASS, tuple(range(26))),
    "counts with rare ends": (RINGS, REGRESSION, ()),
    "fractions": ([1.5, 2.0, 3.0], REGRESSION, ()),
    "ten different numbers": (list(range(10)), REGRESSION, ()),
    "minus in brackets": ([*(f"{i}.5" for i in range(40)), "(35)", "(1,200.25)"], REGRESSION, ()),
    "scales": ([*(f"{i}.8K" for i in range(40)), "1.5M"], REGRESSION, ()),
    "dollars": (["$1,200", "$3.50", "?", "$7"], REGRESSION, ()),
}


@pytest.mark.parametrize(("values", "problem_type", "classes"), TASKS.values(), ids=TASKS.keys())
def test_task(values: object, problem_type: ProblemType, classes: tuple[Label, ...]) -> None:
    target = pd.Series(values)
    task = infer_task(target, "y")
    assert (task.problem_type, task.classes) == (problem_type, classes)
    assert [type(label) for label in task.classes] == [type(label) for label in classes]
    assert task.reason
    assert task_from_json(json.loads(json.dumps(task_to_json(task)))) == task
    codes, present = encode_target(target, task)
    assert len(codes) == len(present) == len(target)
    assert codes.dtype == (np.int64 if classes else np.float64)
    if classes:
        assert set(codes[present]) == set(range(len(classes)))


@pytest.mark.parametrize("name", ["minus in brackets", "scales"])
def test_a_target_is_read_as_a_feature_is(name: str) -> None:
    target = pd.Series(TASKS[name][0])
    y, known = encode_target(target, infer_task(target, "y"))
    assert known.all()
    assert y[-1] in (-1200.25, 1.5e6)


def test_classes_that_were_filtered_out_are_none() -> None:
    declared = pd.Series(pd.Categorical(["c", "b", "a"] * 30))
    assert infer_task(declared[declared != "a"], "y").classes == ("b", "c")
    with pytest.raises(DataError, match="constant"):
        infer_task(declared[declared == "a"], "y")


def test_the_same_answer_from_text_and_from_numbers() -> None:
    for values, _, _ in TASKS.values():
        if isinstance(values, list) and all(type(value) is int for value in values):
            task = infer_task(pd.Series(values), "y")
            assert infer_task(pd.Series([f" {value} " for value in values]), "y") == task


WRITTEN = {
    "digits": (["0", "1", "0"], ("0", "1"), (0, 1)),
    "floats": (["1.0", "0.0"], ("0.0", "1.0"), (0, 1)),
    "exponents": (["1E5", "2E3"], ("1E5", "2E3"), ("1E5", "2E3")),
    "thousands": (["1,000", "2"], ("1,000", "2"), ("1,000", "2")),
    "zeros behind": (["1.50", "2.25"], ("1.50", "2.25"), ("1.50", "2.25")),
    "fractions": (["1.5", "2.25"], ("1.5", "2.25"), (1.5, 2.25)),
    "truth": (["True", "False"], ("False", "True"), (False, True)),
    "categories": (pd.Categorical(["2", "1", "10"]), ("1", "10", "2"), (1, 2, 10)),
    "python strings": (pd.Series(["2", "1"], dtype=object), ("1", "2"), (1, 2)),
    "integers": ([1, 0], (0, 1), (0, 1)),
    "neighbours above 2**53": ([2**60 + 3, 2**60 + 1], (2**60 + 1, 2**60 + 3), (2**60 + 1, 2**60 + 3)),
    "such in text": (
        [f"-{2**60 + 1}", f"-{2**60 + 3}"],
        (f"-{2**60 + 1}", f"-{2**60 + 3}"),
        (-(2**60) - 3, -(2**60) - 1),
    ),
    "beyond 2**63": (np.array([2**63 + 1, 5], np.uint64), (5, 2**63 + 1), (5, 2**63 + 1)),
    "large numbers": ([1e22, 1.0], (1, int(1e22)), (1, int(1e22))),
}


@pytest.mark.parametrize(("values", "typed", "of_a_text_file"), WRITTEN.values(), ids=WRITTEN.keys())
def test_classes_come_out_as_they_went_in(
    values: object, typed: tuple[Label, ...], of_a_text_file: tuple[Label, ...]
) -> None:
    target = pd.Series(values)
    for table_has_types, classes in ((True, typed), (False, of_a_text_file)):
        task = infer_task(target, "y", problem_type=MULTICLASS, typed=table_has_types)
        assert task.classes == classes
        assert [type(label) for label in task.classes] == [type(label) for label in classes]
        codes, present = encode_target(target, task)
        assert present.all()
        assert {str(task.classes[code]) for code in codes} == {str(label) for label in classes}
        decoded = task.decode(np.eye(len(classes))).tolist()
        assert [(type(label), label) for label in decoded] == [(type(label), label) for label in classes]


def test_blanks_around_the_classes_of_a_typed_table_stay() -> None:
    target = pd.Series([" >50K", " <=50K", " >50K"])
    task = infer_task(target, "y", typed=True)
    assert task.classes == (" <=50K", " >50K")
    assert encode_target(pd.Series([">50K", " <=50K "]), task)[0].tolist() == [1, 0]
    assert task.decode(np.eye(2)).tolist() == [" <=50K", " >50K"]
    assert infer_task(target, "y", positive="<=50K", typed=True).classes == (" >50K", " <=50K")
    assert infer_task(pd.Series([" b", "a", " a", "c "]), "y", typed=True).classes == ("a", " b", "c ")
    assert infer_task(target, "y").classes == ("<=50K", ">50K")


def test_ordered_categories_are_classes_in_their_order() -> None:
    dtype = pd.CategoricalDtype(["low", "medium", "high", "never"], ordered=True)
    target = pd.Series(["high", "low", "medium", None] * 5, dtype=dtype)
    task = infer_task(target, "y", typed=True)
    assert (task.classes, task.ordered) == (("low", "medium", "high"), True)
    assert encode_target(target, task)[0].tolist() == [2, 0, 1, -1] * 5
    assert task_from_json(json.loads(json.dumps(task_to_json(task)))) == task
    assert infer_task(target[target != "medium"], "y", typed=True).classes == ("low", "high")
    falling = pd.Series(pd.Categorical([1, 2, 3], [3, 2, 1], ordered=True))
    assert infer_task(falling, "y", problem_type=MULTICLASS, typed=True).classes == (3, 2, 1)
    unordered = infer_task(target.cat.as_unordered(), "y", typed=True)
    assert (unordered.classes, unordered.ordered) == (("high", "low", "medium"), False)


@pytest.mark.parametrize("typed", [True, False])
def test_spellings_of_true_are_one_class(typed: bool) -> None:
    target = pd.Series(["True", "TRUE", "False", "FALSE"] * 3)
    task = infer_task(target, "y", typed=typed)
    assert (task.problem_type, task.classes, task.reason) == (BINARY, (False, True), "two values: False and True")
    assert encode_target(target, task)[0].tolist() == [1, 1, 0, 0] * 3


def test_classes_of_text_are_matched_with_numbers_where_that_is_clear() -> None:
    assert encode_target(pd.Series([1.5, 2.25]), Task("y", BINARY, "", ("1.50", "2.25")))[0].tolist() == [0, 1]
    with pytest.raises(DataError, match="'2' is no class"):
        encode_target(pd.Series([1, 2]), Task("y", MULTICLASS, "", ("01", "02", "1", "2.5")))


def test_rows_without_a_target_are_marked() -> None:
    task = infer_task(pd.Series(["yes", "no"]), "y")
    codes, present = encode_target(pd.Series(["no", None, "?", " yes"]), task)
    assert codes.tolist() == [0, -1, -1, 1]
    assert present.tolist() == [True, False, False, True]
    price = infer_task(pd.Series([1.5, 2.5, 3.5]), "y")
    values, present = encode_target(pd.Series(["2.5", "n/a", "inf", "1,000"]), price)
    assert present.tolist() == [True, False, False, True]
    assert values[present].tolist() == [2.5, 1000.0]


def test_words_for_no_value_are_classes_of_a_typed_table() -> None:
    for values in (["NA", "null", "?", None], pd.Categorical(["NA", "?", "1", None], ["1", "?", "NA", "x"])):
        target = pd.Series(values)
        task = infer_task(target, "y", typed=True)
        assert task.classes == tuple(sorted(target.dropna()))
        assert encode_target(target, task)[1].tolist() == [True, True, True, False]
    assert infer_task(pd.Series(["NA", "no", "yes"]), "y").classes == ("no", "yes")
    assert infer_task(pd.Series(["1.5", "2.5", "3.5", "NA"]), "y", typed=True).problem_type is REGRESSION


def test_labels_are_matched_however_they_are_written() -> None:
    numbers = Task("y", BINARY, "", (0, 1))
    for values in ([1, 0], ["1", "0"], [1.0, 0.0], ["1.0", "0.0"], [True, False], ["TRUE", "false"]):
        assert encode_target(pd.Series(values), numbers)[0].tolist() == [1, 0]


def test_a_class_that_was_not_there_in_training() -> None:
    with pytest.raises(DataError, match=r"'maybe' is no class of the target 'y' \(classes: 'no', 'yes'\)"):
        encode_target(pd.Series(["maybe"]), Task("y", BINARY, "", ("no", "yes")))


DAYS = pd.Series(pd.date_range("2024-01-01", periods=40))

WRONG = {
    "constant": ([1, 1, None], None, "constant"),
    "one row": ([1.5], None, "constant"),
    "all missing": ([None, "?", ""], None, "no values"),
    "dates": (DAYS, None, "is a date, such as '2024-01-01.*the days since a start"),
    "dates as text": (DAYS.dt.strftime("%d.%m.%Y"), None, "is a date, such as '01.01.2024'"),
    "regression on dates": (DAYS.astype(str), REGRESSION, "is a date, such as '2024-01-01'; give a number"),
    "durations": (DAYS - DAYS[0], None, "is a duration, such as '0 days.*; give its seconds"),
    "names of people": ([f"name {i}" for i in range(300)], None, "too many for classes"),
    "regression on words": (["x", "y", "z"], REGRESSION, "needs a target of numbers, 'y' has 'x'"),
    "binary with three values": (["x", "y", "z"], BINARY, "has 3"),
}


@pytest.mark.parametrize(("values", "problem_type", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_target_is_one_clear_line(values: object, problem_type: ProblemType | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer_task(pd.Series(values), "y", problem_type=problem_type)


def test_the_problem_type_set_by_hand_wins() -> None:
    assert infer_task(DAYS.head(4), "y", problem_type=MULTICLASS).n_classes == 4
    target = pd.Series([1, 2, 3] * 5)
    assert infer_task(target, "y").problem_type is MULTICLASS
    assert infer_task(target, "y", problem_type=REGRESSION).problem_type is REGRESSION
    assert infer_task(pd.Series([1.5, 2.5, 3.5]), "y", problem_type=MULTICLASS).classes == (1.5, 2.5, 3.5)
