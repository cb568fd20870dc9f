"""What is said in ONNX answers as the predictor does, or is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import LEVELS, QUICK, messy, small

from automl import Predictor, load
from automl.blend import Blend
from automl.cli import main
from automl.data.reading import Reading
from automl.data.schema import apply_schema
from automl.data.table import Column, Kind, ProblemType, Schema
from automl.deploy.export import export
from automl.deploy.onnx import check, write
from automl.deploy.onnx.graph import model
from automl.deploy.onnx.inputs import described, feeds, typed
from automl.errors import AutoMLError, UsageError
from automl.evaluation.decision import Decision
from automl.models.registry import FAMILIES
from automl.tuning.journal import Journal
from automl.tuning.single import finished
from automl.tuning.store import read_run

SINGLE = {"xgboost", "linear", "mlp"}
"""Families that reckon in single precision."""
CASES = [
    (family.name, kind, params)
    for family in FAMILIES
    if family.name != "knn"
    for kind in family.problem_types
    for params in (QUICK[family.name],)
]
CASES += [("linear", ProblemType.BINARY, {"scaling": scaling}) for scaling in ("standard", "quantile")]
CASES += [("mlp", ProblemType.REGRESSION, {"scaling": "quantile"})]
CASES += [
    ("catboost", kind, {"grow_policy": policy, "max_ctr_complexity": 3, "one_hot_max_size": 3, "max_rounds": 25})
    for kind in (ProblemType.BINARY, ProblemType.MULTICLASS)
    for policy in ("SymmetricTree", "Depthwise")
]


def answers(content: bytes, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def drawn(model: Predictor) -> pd.DataFrame:
    """Return rows of training, with other holes, unseen words and numbers beyond all bounds."""
    frame = messy().astype(object)
    rng = np.random.default_rng(1)
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    frame = frame[[column.name for column in model.schema.columns]]
    for name, strange in (
        ("street", "new street"),
        ("label", ""),
        ("zip", "80331.0"),
        ("paid", "YES"),
        ("size", 1e300),
    ):
        if name in frame:
            frame.loc[rng.random(len(frame)) < 0.1, name] = strange
    return frame.where(frame.notna(), None)


def assert_equal(model: Predictor, tolerance: float) -> None:
    frame = drawn(model)
    got = answers(write.content(model), feeds(frame, model.typed(frame), model.schema))
    np.testing.assert_allclose(list(got.values())[-1], model.raw(frame), rtol=tolerance, atol=tolerance)
    if model.task.classes:
        np.testing.assert_array_equal(got["label_"], model.predict(frame))  # there is a column of the other name


@pytest.mark.parametrize(("name", "kind", "params"), CASES, ids=[f"{n}-{k}-{i}" for i, (n, k, _) in enumerate(CASES)])
def test_every_family_answers_as_its_predictor(name: str, kind: ProblemType, params: dict[str, Any]) -> None:
    assert_equal(small([(name, params)], kind), 1e-5 if name in SINGLE else 1e-12)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_logarithms_and_deviances_are_brought_back(name: str) -> None:
    for amounts, power in ((True, None), (False, 1.0)):
        assert_equal(small([(name, {})], ProblemType.REGRESSION, amounts=amounts, power=power), 1e-5)


POOL = Blend(np.array([0.1, 0.4, 0.5, 0.2, 0.1]), np.array([0.1, -0.1]), log=True)
ALL = [("constant", {}), ("lightgbm", {}), ("linear", {}), ("random_forest", {}), ("catboost", {})]


@pytest.mark.parametrize(
    ("kind", "decision", "blend"),
    [
        (
            ProblemType.BINARY,
            Decision(0.3),
            Blend(np.array([0.1, 0.4, 0.5, 0.2, 0.1]), np.array([0.1, -0.1]), log=True),
        ),
        (ProblemType.MULTICLASS, Decision(multipliers=(0.5, 3.0, 1.0)), None),
        (ProblemType.MULTICLASS, Decision(costs=((0, 1, 5), (2, 0, 1), (9, 1, 0))), None),
    ],
)
def test_ensembles_decide_alike(kind: ProblemType, decision: Decision, blend: Blend | None) -> None:
    assert_equal(small(ALL, kind, decision=decision, blend=blend), 1e-5)


def test_values_stay_in_range() -> None:
    blend = Blend(np.array([1.5, -0.5]), least=0.5)
    assert_equal(small([("linear", {}), ("constant", {})], ProblemType.REGRESSION, blend=blend), 1e-5)


def test_quantiles_are_moved_and_stay_in_order() -> None:
    members = [("lightgbm", {}), ("constant", {})]
    moved = Blend(np.array([0.7, 0.3]), np.array([0.5, 0.0, -0.5]))
    model = small(members, ProblemType.QUANTILE, blend=moved)
    assert_equal(model, 1e-12)
    made = onnx.load_from_string(write.content(model))
    assert {prop.key: prop.value for prop in made.metadata_props}["levels"] == " ".join(map(str, LEVELS))


@pytest.mark.parametrize("name", ["linear", "lightgbm"])
@pytest.mark.parametrize("columns", [("street", "label"), ("size", "price")])
def test_columns_of_one_kind_are_enough(name: str, columns: tuple[str, ...]) -> None:
    assert_equal(small([(name, {}), ("constant", {})], ProblemType.REGRESSION, columns=columns), 1e-5)


WORDS = ["", "NA", "n/A", "?", "-", "None", "a", "A", "b, é", "7", "7.0", "-3", "-3.0", "yes", "YES", "No", "oN", "0.0"]


@settings(max_examples=25)
@given(
    cells=st.lists(st.sampled_from(WORDS) | st.text("abé7.0- ", max_size=4).map(str.strip), min_size=1, max_size=20),
    categories=st.lists(st.sampled_from(["a", "b, é", "7", "-3", "yes"]), unique=True, min_size=1),
)
def test_words_are_read_as_the_schema_reads_them(cells: list[str], categories: list[str]) -> None:
    column = Column("c", Kind.CATEGORICAL, "", tuple(categories), missing=("A",))
    given_, read = typed(column)
    content = model(
        {"c": given_.dtype}, {"out": (read["c"], ["rows", 1])}, {"c": described(column)}
    ).SerializeToString()
    frame = pd.DataFrame({"c": pd.Series(cells, dtype=object)})
    expected = apply_schema(frame, Schema((column,)))["c"].to_numpy()
    got = answers(content, {"c": np.array(cells, dtype=object)[:, None]})["out"].ravel()
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("categories", [("no", "yes"), ("inactive", "Active"), ("False", "True")])
def test_flags_are_read_as_the_schema_reads_them(categories: tuple[str, str]) -> None:
    column = Column("c", Kind.BOOLEAN, "", categories)
    words = [*categories, *map(str.upper, categories), *map(str.lower, categories), "", "nan", "N/A"]
    words += ["yEs", "TRUE", "0", "1.0", "off"] if categories[0] != "inactive" else []
    given_, read = typed(column)
    content = model(
        {"c": given_.dtype}, {"out": (read["c"], ["rows", 1])}, {"c": described(column)}
    ).SerializeToString()
    expected = apply_schema(pd.DataFrame({"c": words}, dtype=object), Schema((column,)))["c"].to_numpy()
    got = answers(content, {"c": np.array(words, dtype=object)[:, None]})["out"].ravel()
    np.testing.assert_array_equal(got, expected)


def test_numbers_that_mean_missing_are_missing() -> None:
    column = Column("c", Kind.NUMERIC, "", missing=("-999", "unknown"))
    given_, read = typed(column)
    content = model(
        {"c": given_.dtype}, {"out": (read["c"], ["rows", 1])}, {"c": described(column)}
    ).SerializeToString()
    got = answers(content, {"c": np.array([[1.0], [-999.0], [np.inf], [np.nan]])})["out"].ravel()
    np.testing.assert_array_equal(got, [1.0, np.nan, np.nan, np.nan])


def test_what_its_owner_called_missing_is_missing() -> None:
    predictor = small([("lightgbm", {})], ProblemType.REGRESSION)
    predictor = replace(predictor, reading=Reading("csv", na=("-77", "n.v.")))
    frame = messy().astype(object).head(40)
    frame["size"], frame["label"] = -77.0, "n.v."
    raw = feeds(frame, predictor.typed(frame), predictor.schema) | {"size": np.full((40, 1), -77.0)}
    np.testing.assert_allclose(answers(write.content(predictor), raw)["prediction"].ravel(), predictor.raw(frame))
    assert predictor.raw(frame).tolist() == predictor.raw(frame.assign(size=None, label=None)).tolist()


def test_a_run_becomes_one_file(run: Path, predictor: Predictor, table: pd.DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "new" / "late.onnx"
    assert main(["export", str(run), "--format", "onnx", "--to", str(place)]) == 0
    made = onnx.load(place)
    onnx.checker.check_model(made)
    assert [each.name for each in made.graph.input] == [column.name for column in predictor.schema.used]
    frame = table.astype(object).where(table.notna(), None)
    got = answers(place.read_bytes(), feeds(frame, predictor.typed(frame), predictor.schema))
    np.testing.assert_allclose(got["probabilities"], predictor.predict_proba(table), atol=1e-5)
    np.testing.assert_array_equal(got["label"], predictor.predict(table))
    assert export(run, tmp_path / "again.onnx", "onnx").read_bytes() == place.read_bytes()


def test_one_candidate_can_be_exported(run: Path, tmp_path: Path) -> None:
    known = finished(read_run(run), Journal(run))
    candidate = next(each for each in known if each.startswith("lightgbm"))
    content = export(run, tmp_path / "one.onnx", "onnx", candidate=candidate).read_bytes()
    alone = load(export(run, tmp_path / "one", candidate=candidate))
    assert [member["candidate"] for member in alone.manifest["members"]] == [candidate]
    frame = check.golden(alone)
    got = answers(content, feeds(frame, alone.typed(frame), alone.schema))
    np.testing.assert_allclose(got["probabilities"], alone.raw(frame), atol=1e-5)
    with pytest.raises(UsageError, match="these can be had: "):
        export(run, tmp_path / "other", candidate="lightgbm-1")
    with pytest.raises(UsageError, match="a candidate is made from a run, not from a model that is signed"):
        export(run, tmp_path / "other", candidate=candidate, trust=tmp_path / "public.pem")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(("place", "said"), [("model", "ends in .onnx"), ("model.tar.gz", "ends in .onnx")])
def test_other_places_are_refused(run: Path, tmp_path: Path, place: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        export(run, tmp_path / place, "onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_said_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match=r"member knn-0 \(knn\): .* --candidate ID"):
        write.write_onnx(small([("knn", {})], ProblemType.BINARY), tmp_path / "m.onnx")
    for kind in (Kind.TEXT, Kind.DATETIME):
        with pytest.raises(AutoMLError, match=rf"column 'my note' is {kind}.* types=\{{'my note': 'identifier'\}}"):
            typed(Column("my note", kind, ""))
    with pytest.raises(AutoMLError, match=r"their words or pieces.* types=\{'cabin': 'categorical'\}"):
        typed(Column("cabin", Kind.CATEGORICAL, "", ("A1", "B2"), built="A9"))
    assert not list(tmp_path.iterdir())


def test_what_answers_otherwise_is_refused(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "TOLERANCE", -1.0)
    with pytest.raises(AutoMLError, match="its answers would be off by"):
        export(run, tmp_path / "m.onnx", "onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "PACKAGES", ("onnx", "no_such_runtime"))
    with pytest.raises(UsageError, match=r"no_such_runtime, .* pip install 'automl\[onnx\]'"):
        export(run, tmp_path / "m.onnx", "onnx")
    assert not list(tmp_path.iterdir())
