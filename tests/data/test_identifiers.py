import numpy as np
import pandas as pd
import pytest

from automl.data.identifiers import with_telling_identifiers
from automl.data.schema import apply_schema, infer_schema
from automl.data.table import Kind, ProblemType, Task
from automl.data.task import encode_target, infer_task


def kinds(y: object, *, settled: tuple[str, ...] = ()) -> tuple[Kind, Kind]:
    """The kind of a row number, read as text, before and after the target was looked at."""
    values = pd.Series(y)
    frame = pd.DataFrame({"id": [str(i) for i in range(len(values))], "x": np.arange(len(values)) % 7})
    task: Task = infer_task(values, "y")
    encoded, _ = encode_target(values, task)
    schema = infer_schema(frame)
    told = with_telling_identifiers(frame, schema, encoded, task, settled=settled)
    if told.columns[0].kind is Kind.NUMERIC:
        assert apply_schema(frame, told)["id"].tolist() == list(range(len(frame)))
    return schema.columns[0].kind, told.columns[0].kind


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("problem_type", [ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION])
def test_row_numbers_of_shuffled_rows_stay_identifiers(problem_type: ProblemType, seed: int) -> None:
    generator = np.random.default_rng(seed)
    y = {
        ProblemType.BINARY: generator.choice(["no", "yes"], 2_000),
        ProblemType.MULTICLASS: generator.choice(["a", "b", "c"], 2_000),
        ProblemType.REGRESSION: generator.normal(size=2_000) + 0.5,
    }[problem_type]
    assert kinds(y) == (Kind.IDENTIFIER, Kind.IDENTIFIER)


def test_row_numbers_of_a_table_that_grew_are_numbers() -> None:
    assert kinds(["no"] * 500 + ["yes"] * 300 + ["no"] * 200) == (Kind.IDENTIFIER, Kind.NUMERIC)
    drift = np.random.default_rng(0).normal(size=1_000) + np.linspace(0, 3, 1_000)
    assert kinds(drift) == (Kind.IDENTIFIER, Kind.NUMERIC)


@pytest.mark.parametrize(
    "y", [["no"] * 500 + ["yes"] * 500, ["b"] * 60 + ["a"] * 60 + ["c"] * 60, np.linspace(9, 0, 99)]
)
def test_row_numbers_of_a_table_that_was_sorted_by_its_target_stay_identifiers(y: object) -> None:
    assert kinds(y) == (Kind.IDENTIFIER, Kind.IDENTIFIER)


def test_the_owner_of_the_table_knows_better() -> None:
    drift = np.random.default_rng(0).normal(size=1_000) + np.linspace(0, 3, 1_000)
    assert kinds(drift, settled=("id",)) == (Kind.IDENTIFIER, Kind.IDENTIFIER)


def test_few_rows_say_nothing() -> None:
    assert kinds(["no"] * 15 + ["yes"] * 15) == (Kind.IDENTIFIER, Kind.IDENTIFIER)
