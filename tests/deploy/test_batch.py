"""Predictions in batches are those in memory, whatever happens on the way."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, Predictor, ReadOptions, load, predict_files
from automl.archive import partial_place
from automl.data import batches
from automl.deploy.batch import RECORD, BatchProgress
from automl.deploy.tables import Format
from automl.errors import AutoMLError, DataError, SchemaError, UsageError


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS", 50)


@pytest.fixture(scope="module")
def rows(table: pd.DataFrame) -> pd.DataFrame:
    """160 rows with numbers of their own and a text over two lines."""
    return table.drop(columns="late").assign(id=[f"{i:04}" for i in range(160)], note='two\nlines, "quoted"')


@pytest.fixture
def source(rows: pd.DataFrame, tmp_path: Path) -> Path:
    rows.to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


@pytest.fixture(scope="module")
def expected(rows: pd.DataFrame, predictor: Predictor) -> pd.DataFrame:
    return pd.concat([rows[["id"]], predictor.predict_frame(rows, proba=True)], axis=1)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def joined(folder: Path) -> pd.DataFrame:
    parts = sorted(folder.glob("part-*"))
    return pd.concat([pd.read_csv(part, dtype={"id": str}).fillna({"id": ""}) for part in parts], ignore_index=True)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_no_rows_have_no_predictions(
    ending: str, rows: pd.DataFrame, expected: pd.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    none = rows.head(0)
    _ = (
        none.to_csv(tmp_path / "none.csv", index=False)
        if ending == "csv"
        else none.to_parquet(tmp_path / "none.parquet")
    )
    source, read = tmp_path / f"none.{ending}", pd.read_csv if ending == "csv" else pd.read_parquet
    for output in (tmp_path / f"out.{ending}", tmp_path / "out"):
        progress = predict_files(predictor, source, output, keep=["id"], proba=True, format=ending)  # type: ignore[arg-type]
        written = read(output if output.is_file() else output / f"part-00000.{ending}")
        assert list(written) == list(expected)
        assert len(written) == progress.rows == progress.done == 0
    pd.DataFrame(columns=["id"]).to_csv(tmp_path / "short.csv", index=False)
    with pytest.raises(SchemaError, match="missing"):
        predict_files(predictor, tmp_path / "short.csv", tmp_path / "short_out.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_full_disk_is_told_of_by_the_output(ending: str, source: Path, predictor: Predictor, tmp_path: Path) -> None:
    partial_place(tmp_path / f"out.{ending}").symlink_to("/dev/full")
    with pytest.raises(AutoMLError, match=rf"cannot write .*/out\.{ending}: .*; make room"):
        predict_files(predictor, source, tmp_path / f"out.{ending}")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


WRITTEN: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "csv": lambda rows, path: rows.to_csv(path / "new.csv", index=False),
    "gzip": lambda rows, path: (path / "new.csv").write_bytes(gzip.compress(rows.to_csv(index=False).encode())),
    "parquet": lambda rows, path: rows.to_parquet(path / "new.parquet", row_group_size=70),
    "files": lambda rows, path: [rows[i::2].to_csv(path / f"{i}.csv", index=False) for i in range(2)],
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_folder_holds_what_is_predicted_in_memory(
    write: Callable[[pd.DataFrame, Path], object],
    rows: pd.DataFrame,
    expected: pd.DataFrame,
    predictor: Predictor,
    tmp_path: Path,
) -> None:
    write(rows, tmp_path)
    end = predict_files(predictor, tmp_path / "*", tmp_path / "out", keep=["id"], proba=True)
    assert (end.rows, end.done, end.rejected, end.earlier) == (160, 160, 0, 0)
    found = joined(tmp_path / "out").sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert len(list((tmp_path / "out").glob("part-*.csv"))) == 4


def test_a_file_or_a_stream_holds_the_same_bytes(
    source: Path, expected: pd.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    stream = io.StringIO()
    predict_files(predictor, source, stream, keep=["id", "id"], proba=True)
    predict_files(predictor, source, tmp_path / "out.csv", keep=["id"], proba=True)
    predict_files(predictor, source, tmp_path / "out.parquet", keep=["id"], proba=True)
    assert stream.getvalue() == expected.to_csv(index=False)
    assert (tmp_path / "out.csv").read_text() == stream.getvalue()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected, check_exact=True)
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv", "out.csv", "out.parquet"}


def spoiled(rows: pd.DataFrame) -> pd.DataFrame:
    """Wrong cells in rows 2, 60 and all of the last batch, counted from 1."""
    rows = rows.astype({"age (years)": object})
    rows.loc[[1, *range(150, 160)], "age (years)"] = "old"
    rows.loc[[1, 59], "member"] = "perhaps"
    return rows


@pytest.mark.parametrize("name", ["pipe", "pipe.csv"])
def test_a_named_pipe_is_written_to(
    name: str, source: Path, expected: pd.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / name)
    reader = subprocess.Popen(["cat", tmp_path / name], stdout=subprocess.PIPE, text=True)
    predict_files(predictor, source, tmp_path / name, keep=["id"], proba=True)
    said, _ = reader.communicate(timeout=60)
    assert said == expected.to_csv(index=False)
    assert (tmp_path / name).is_fifo()
    with pytest.raises(UsageError, match="it cannot be parquet"):
        predict_files(predictor, source, tmp_path / name, format="parquet")


def test_a_file_without_an_ending_is_left_alone(source: Path, predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("of my own")
    with pytest.raises(UsageError, match=r"must end in \.csv or \.parquet, or be a folder"):
        predict_files(predictor, source, tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "of my own"


def test_kept_cells_that_are_lists_or_bytes_are_json_and_text_in_csv(
    predictor: Predictor, rows: pd.DataFrame, tmp_path: Path
) -> None:
    vectors = [np.arange(1_500.0) for _ in range(len(rows))]
    rows.assign(vector=vectors, code=b"D7", made=[{"a": [1]}] * len(rows)).to_parquet(tmp_path / "new.parquet")
    predict_files(predictor, tmp_path / "new.parquet", tmp_path / "out.csv", keep=["vector", "code", "made"])
    written = pd.read_csv(tmp_path / "out.csv")
    assert json.loads(written["vector"][3]) == list(range(1_500))
    assert (written["code"][3], json.loads(written["made"][3])) == ("D7", {"a": [1]})


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_rows_with_wrong_cells_keep_their_place_and_are_listed(
    format: Format, rows: pd.DataFrame, expected: pd.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    spoiled(rows).to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out"
    end = predict_files(predictor, tmp_path / "new.csv", out, keep=["id"], proba=True, format=format)
    assert (end.done, end.rejected) == (160, 12)
    found = joined(out) if format == "csv" else pd.read_parquet(out, columns=list(expected))
    wrong = np.isin(np.arange(160), [1, 59, *range(150, 160)])
    assert found["id"].tolist() == expected["id"].tolist()
    assert found.iloc[wrong, 1:].isna().all(axis=None)
    pd.testing.assert_frame_equal(found[~wrong], expected[~wrong], check_exact=True, check_dtype=False)
    listed = pd.concat([pd.read_csv(file) for file in sorted((out / "_rejected").iterdir())])
    assert listed.iloc[:3].to_numpy().tolist() == [
        [2, "age (years)", "old", "was numeric in training"],
        [2, "member", "perhaps", "was boolean in training"],
        [60, "member", "perhaps", "was boolean in training"],
    ]
    assert listed["row"].tolist()[3:] == list(range(151, 161))


def test_a_file_is_whole_or_not_there(rows: pd.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    rows = rows.assign(member=["yes"] * 120 + ["perhaps"] + ["no"] * 39)
    rows.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(SchemaError, match=r"'member' was boolean in training, got 'perhaps' in row 121$") as error:
        predict_files(predictor, tmp_path / "new.csv", tmp_path / "out.csv")
    assert error.value.cells == ((121, "member", "perhaps"),)
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv"}


@pytest.mark.parametrize("ends_after", [1, 2, 3])
def test_what_ended_early_goes_on_to_the_same_bytes(
    ends_after: int, rows: pd.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    spoiled(rows).to_csv(tmp_path / "new.csv", index=False)
    seen: list[BatchProgress] = []

    def end(progress: BatchProgress) -> None:
        seen.append(progress)
        if len(seen) == ends_after:
            raise KeyboardInterrupt

    arguments = (predictor, tmp_path / "new.csv")
    predict_files(*arguments, tmp_path / "straight", keep=["id"])
    with pytest.raises(KeyboardInterrupt):
        predict_files(*arguments, tmp_path / "out", keep=["id"], on_progress=end)
    (tmp_path / "out" / ".elsewhere-7.part-00003.csv").write_text("half a part")  # a kill leaves it
    first = tmp_path / "out" / "part-00000.csv"
    made = first.stat().st_mtime_ns
    last = predict_files(*arguments, tmp_path / "out", keep=["id"])
    assert contents(tmp_path / "out") == contents(tmp_path / "straight")
    assert (last.done, last.earlier, last.rejected) == (160, 50 * ends_after, 12)
    assert first.stat().st_mtime_ns == made


def test_a_table_is_not_replaced_by_its_predictions(source: Path, predictor: Predictor) -> None:
    before = source.read_bytes()
    with pytest.raises(UsageError, match=r"is the table that is predicted; give another file"):
        predict_files(predictor, source, source)
    assert source.read_bytes() == before


@pytest.mark.parametrize("output", ["out.csv", "out"])
def test_two_processes_at_one_place_do_not_mix(
    output: str, source: Path, run: Path, other_run: Path, tmp_path: Path
) -> None:
    """Each is started while the other writes: who is first has a folder, a file is one of both whole."""
    alone = {each: tmp_path / f"{each.name}.csv" for each in (run, other_run)}
    for each, place in alone.items():
        predict_files(load(each), source, place)
    command = [sys.executable, "-m", "automl", "predict"]
    both = [
        subprocess.Popen(
            [*command, str(each), str(source), "-o", str(tmp_path / output)], stderr=subprocess.PIPE, text=True
        )
        for each in (run, other_run)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=100)[1] for process in both]
    assert not any("Traceback" in each or "No such file" in each for each in told)
    assert any(process.returncode == 0 for process in both)
    place = tmp_path / output
    written = place.read_bytes() if place.is_file() else joined(place).to_csv(index=False).encode()
    assert written in {each.read_bytes() for each in alone.values()}
    assert not [path for path in tmp_path.rglob(".*") if "out" in path.name or "part" in path.name]


def test_a_folder_of_other_predictions_is_refused(
    source: Path, predictor: Predictor, table: pd.DataFrame, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    predict_files(predictor, source, out)
    before = contents(out)
    with pytest.raises(UsageError, match="holds predictions with another 'proba'; give another folder"):
        predict_files(predictor, source, out, proba=True)
    with pytest.raises(UsageError, match="holds predictions of a table that was read otherwise"):
        predict_files(predictor, source, out, options=ReadOptions(na=["x"]))
    other = AutoML(max_trials=1, n_jobs=1, output=tmp_path / "run").fit(table, target="late")
    with pytest.raises(UsageError, match="holds predictions by another model"):
        predict_files(load(other.run_), source, out)
    source.write_bytes(source.read_bytes().replace(b"0042", b"4200"))
    with pytest.raises(UsageError, match="holds predictions of another table"):
        predict_files(predictor, source, out)
    assert contents(out) == before
    with pytest.raises(UsageError, match="holds other files; give a new or empty folder"):
        predict_files(predictor, source, tmp_path)


def test_another_sheet_of_a_workbook_is_another_table(rows: pd.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "book.xlsx") as book:
        for sheet, part in (("Jan", rows.head(5)), ("Feb", rows.tail(5))):
            part.to_excel(book, sheet_name=sheet, index=False)
    out = tmp_path / "out"
    predict_files(predictor, tmp_path / "book.xlsx", out, options=ReadOptions(sheet="Jan"))
    with pytest.raises(UsageError, match="holds predictions of a table that was read otherwise"):
        predict_files(predictor, tmp_path / "book.xlsx", out, options=ReadOptions(sheet="Feb"))


def test_the_record_says_what_was_predicted(source: Path, predictor: Predictor, tmp_path: Path) -> None:
    predict_files(predictor, source, tmp_path / "out", keep=["id"])
    record = json.loads((tmp_path / "out" / "_predict.json").read_text())
    assert record["parts"] == 4
    assert record["keep"] == ["id"]


def test_types_of_kept_columns_stay(rows: pd.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    frame = rows.assign(id=pd.array([None, *range(2**60, 2**60 + 159)], "Int64"))
    frame.to_parquet(tmp_path / "new.parquet")
    predict_files(predictor, tmp_path / "new.parquet", tmp_path / "out", keep=["id"])
    assert joined(tmp_path / "out")["id"].tolist()[:50:49] == ["", str(2**60 + 48)]
    predict_files(predictor, tmp_path / "new.parquet", tmp_path / "out.parquet", keep=["id"])
    pd.testing.assert_series_equal(
        pd.read_parquet(tmp_path / "out.parquet", dtype_backend="numpy_nullable")["id"], frame["id"]
    )


@pytest.mark.parametrize(
    ("output", "format", "error"),
    [
        ("out.txt", None, r"must end in \.csv or \.parquet, or be a folder or -, got '.*out\.txt'"),
        ("out.csv", "parquet", "the output is csv, it cannot be parquet; give it another ending"),
        ("out", "orc", "the format must be csv or parquet, got 'orc'"),
    ],
)
def test_outputs_that_cannot_be(
    output: str, format: Format | None, error: str, source: Path, predictor: Predictor, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=error):
        predict_files(predictor, source, tmp_path / output, format=format)


def test_columns_that_cannot_be_kept(source: Path, predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no column 'idd'; did you mean 'id'"):
        predict_files(predictor, source, tmp_path / "out.csv", keep=["idd"])
    with pytest.raises(UsageError, match="'prediction' cannot be kept"):
        predict_files(predictor, source, tmp_path / "out.csv", keep=["prediction"])


def test_a_kept_column_may_begin_without_values(rows: pd.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    for number, note in enumerate((None, "text")):
        rows.head(3).assign(note=note).to_parquet(tmp_path / f"{number}.parquet")
    predict_files(predictor, tmp_path / "*.parquet", tmp_path / "new" / "out.parquet", keep=["note"])
    kept = pd.read_parquet(tmp_path / "new" / "out.parquet")["note"]
    assert kept.fillna("").tolist() == ["", "", "", "text", "text", "text"]


def test_a_kept_column_of_another_type_is_one_clear_line(
    rows: pd.DataFrame, predictor: Predictor, tmp_path: Path
) -> None:
    for number, note in enumerate((1, [1])):
        rows.head(1).assign(note=[note]).to_parquet(tmp_path / f"{number}.parquet")
    with pytest.raises(DataError, match="change their type"):
        predict_files(predictor, tmp_path / "*.parquet", tmp_path / "out.parquet", keep=["note"])


def test_missing_columns_end_the_run(rows: pd.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    rows.drop(columns="plan").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(SchemaError, match="columns of the training table are missing: 'plan'"):
        predict_files(predictor, tmp_path / "new.csv", tmp_path / "out")


def test_classes_that_are_whole_numbers_stay_so(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(120.0), "y": np.arange(120) // 60})
    model = AutoML(max_trials=1, n_jobs=1, output=tmp_path / "run").fit(frame, target="y")
    frame.astype({"x": object}).replace({"x": {60.0: "sixty"}}).to_csv(tmp_path / "new.csv", index=False)
    predict_files(load(model.run_), tmp_path / "new.csv", tmp_path / "out", keep=["x"])
    assert (tmp_path / "out" / "part-00001.csv").read_text().splitlines()[10:13] == ["59.0,0", "sixty,", "61.0,1"]


def test_intervals_of_whole_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(120.0), "y": np.arange(120) * 2})
    model = AutoML(max_trials=1, n_jobs=1, output=tmp_path / "run").fit(frame, target="y")
    frame.astype({"x": object}).replace({"x": {60.0: "sixty"}}).to_csv(tmp_path / "new.csv", index=False)
    predictor = load(model.run_)
    predict_files(predictor, tmp_path / "new.csv", tmp_path / "out", keep=["y"], interval=0.9)
    expected = pd.concat([frame[["y"]], predictor.predict_frame(frame, interval=0.9)], axis=1)
    expected.iloc[60, 1:] = np.nan
    pd.testing.assert_frame_equal(joined(tmp_path / "out"), expected, check_exact=True)


def test_a_folder_is_filled_by_one_process_at_a_time(source: Path, predictor: Predictor, tmp_path: Path) -> None:
    """Two would write the same parts under the same hidden names."""

    def meanwhile(progress: BatchProgress) -> None:
        with pytest.raises(UsageError, match="is being filled by another process"):
            predict_files(predictor, source, tmp_path / "out")

    predict_files(predictor, source, tmp_path / "out", on_progress=meanwhile)
    record = (tmp_path / "out" / RECORD).read_bytes()
    again = predict_files(predictor, source, tmp_path / "out")
    assert (again.earlier, (tmp_path / "out" / RECORD).read_bytes()) == (160, record)
