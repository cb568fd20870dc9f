"""What holds for every schema, every task and every need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from typed_frames import ALL_NEEDS, TASKS, frame_of, schema_of, schemas, strange_rows, target_of

from automl.data.constraints import FREE, Constraints
from automl.data.table import Kind, Schema
from automl.errors import ArtifactError, DataError
from automl.features.matrix import Matrix, Needs
from automl.features.pipeline import Features, fit_features, fit_texts
from automl.features.text import Texts


def assert_same(one: Matrix, other: Matrix) -> None:
    assert one.names == other.names
    np.testing.assert_array_equal(one.dense, other.dense)


def assert_sound(matrix: Matrix, needs: Needs) -> None:
    values = matrix.values
    assert values.dtype == np.float32
    if isinstance(values, csr_array):
        assert needs.sparse
        assert np.isfinite(values.data).all() or needs.missing == "native"
    else:
        assert values.flags.c_contiguous
    assert not np.isinf(matrix.dense).any()
    assert needs.missing == "native" or not np.isnan(matrix.dense).any()
    assert matrix.columns == len(matrix.names) == len(set(matrix.names)) > 0
    for column, cardinality in zip(matrix.categorical, matrix.cardinalities, strict=True):
        codes = matrix.dense[:, column]
        codes = codes[~np.isnan(codes)]
        assert ((codes >= 0) & (codes < cardinality) & (codes == np.floor(codes))).all()


@given(
    schema=schemas(),
    rows=st.sampled_from([1, 2, 7, 40, 150]),
    missing=st.sampled_from([0.0, 0.3, 1.0]),
    task=st.sampled_from(sorted(TASKS)),
    needs=st.sampled_from(ALL_NEEDS),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_laws(tmp_path: Path, schema: Schema, rows: int, missing: float, task: str, needs: Needs, seed: int) -> None:
    generator = np.random.default_rng(seed)
    frame = frame_of(schema, rows, generator, missing=missing)
    y = target_of(TASKS[task], rows, generator)
    texts = fit_texts(frame, y, schema, TASKS[task], random_state=seed)
    features, train = fit_features(frame, y, schema, TASKS[task], needs, random_state=seed, texts=texts)
    assert_sound(train, needs)
    assert train.rows == rows

    later = pd.concat([frame_of(schema, 9, generator, missing=missing), strange_rows(schema)], ignore_index=True)
    batch = features.transform(later)
    assert_sound(batch, needs)
    assert batch.names == train.names == features.names
    assert features.transform(later.iloc[:0]).dense.shape == (0, train.columns)
    for row in range(len(later)):
        np.testing.assert_array_equal(features.transform(later.iloc[row : row + 1]).dense[0], batch.dense[row])

    again, train_again = fit_features(frame, y, schema, TASKS[task], needs, random_state=seed)
    assert_same(train_again, train)
    assert_same(again.transform(later), batch)

    features.save(tmp_path)
    (tmp_path / "texts").mkdir(exist_ok=True)
    texts[0].save(tmp_path / "texts")
    assert_same(Features.load(tmp_path, Texts.load(tmp_path / "texts")).transform(later), batch)


def test_saved_files_hold_no_code(tmp_path: Path) -> None:
    schema = schema_of(city=("a", "b"), note=Kind.TEXT, when=Kind.DATETIME, age=Kind.NUMERIC)
    generator = np.random.default_rng(0)
    frame = frame_of(schema, 50, generator, missing=0.1)
    y = target_of(TASKS["binary"], 50, generator)
    features, _ = fit_features(frame, y, schema, TASKS["binary"], Needs(), random_state=0)
    features.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.npz", "features.json"]
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fi" for name in arrays.files)


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    schema = schema_of(age=Kind.NUMERIC)
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0]})
    features, _ = fit_features(frame, np.array([0, 1, 0]), schema, TASKS["binary"], Needs(), random_state=0)
    features.save(tmp_path)
    file = tmp_path / "features.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"format": 1', '"format": 99', 1), encoding="utf-8")
    with pytest.raises(ArtifactError, match="has format 99"):
        Features.load(tmp_path)


def test_a_table_without_columns_is_refused() -> None:
    schema = schema_of(id=Kind.IDENTIFIER)
    with pytest.raises(DataError, match="beside identifiers and constants"):
        fit_features(pd.DataFrame(index=range(3)), np.zeros(3), schema, TASKS["regression"], Needs(), random_state=0)


def test_names_are_unique_although_columns_are_named_like_features() -> None:
    schema = schema_of(**{"year(d)": Kind.NUMERIC, "d": Kind.DATETIME})
    frame = pd.DataFrame({"year(d)": np.arange(4.0), "d": np.array(["2020", "2021", "2023", "2027"], "M8[us]")})
    _, matrix = fit_features(frame, np.arange(4.0), schema, TASKS["regression"], Needs(), random_state=0)
    assert {"year(d)", "year(d) (2)"} <= set(matrix.names)


@pytest.mark.parametrize("missing", ["native", "impute"])
def test_mostly_constant_tables_keep_a_column(missing: str) -> None:
    schema = schema_of(a=Kind.NUMERIC, b=("x",))
    frame = pd.DataFrame({"a": np.ones(30), "b": np.zeros(30, np.int32)})
    needs = Needs(missing, "codes")  # type: ignore[arg-type]
    _, matrix = fit_features(frame, np.arange(30.0), schema, TASKS["regression"], needs, random_state=0)
    assert matrix.values.shape == (30, 1)


@given(
    schema=schemas(),
    task=st.sampled_from(sorted(TASKS)),
    needs=st.sampled_from(ALL_NEEDS),
    constraints=st.sampled_from(
        [
            FREE,
            Constraints.of({"c0": "increasing", "c1": "decreasing"}, None),
            Constraints.of(None, [["c0", "c1"], ["c1", "c2"]]),
            Constraints.of({"c1": "increasing"}, [["c0", "c1", "c2"]]),
        ]
    ),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=30)
def test_a_column_depends_on_its_sources_only_and_these_may_meet(
    schema: Schema, task: str, needs: Needs, constraints: Constraints, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    frame = frame_of(schema, 40, generator, missing=0.2)
    y = target_of(TASKS[task], 40, generator)
    features, train = fit_features(frame, y, schema, TASKS[task], needs, random_state=seed, constraints=constraints)
    assert len(train.sources) == train.columns
    rows = frame_of(schema, 20, generator, missing=0.2)
    other, before = frame_of(schema, 20, generator, missing=0.2), features.transform(rows).dense
    for column, name in schema.typed:
        after = features.transform(rows.assign(**{column.name: other[column.name]})).dense
        changed = ((before != after) & ~(np.isnan(before) & np.isnan(after))).any(axis=0)
        assert all(name in train.sources[i] for i in np.flatnonzero(changed))
    for made_of in train.sources:
        assert constraints.allow(made_of)
    apart = constraints.groups(train.sources)
    assert not apart or {i for group in apart for i in group} == set(range(train.columns))


def test_what_may_be_combined_still_is() -> None:
    generator = np.random.default_rng(0)
    schema = schema_of(**dict.fromkeys("abcd", Kind.NUMERIC))
    frame = pd.DataFrame(generator.uniform(1, 2, size=(500, 4)), columns=list("abcd"))
    rows = frame, (frame["a"] * frame["b"] / frame["c"]).to_numpy(), schema, TASKS["regression"]

    def pairs(constraints: Constraints) -> set[str]:
        needs = Needs(arithmetic=True)
        _, train = fit_features(*rows, needs, random_state=0, constraints=constraints)
        return {"".join(sorted(made_of)) for made_of in train.sources if len(made_of) > 1}

    assert {"ab", "ac", "bc"} <= pairs(FREE)
    assert "bc" in (found := pairs(Constraints.of({"a": "increasing"}, None)))
    assert not any("a" in each for each in found)
    assert pairs(Constraints.of(None, [["a", "b"]])) <= {"ab", "cd"}
