"""Tables as people have them, from the command line: how they are written, and what their columns are."""

import json
import re
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, ReadOptions, load
from automl.cli import main
from automl.data.table import Kind

ROWS = 60
FRAME = pd.DataFrame(
    {
        "größe": np.linspace(0.5, 1800.25, ROWS),
        "ort": ["Köln", "Bern", "n.v."] * (ROWS // 3),
        "plz": [f"0{1000 + i % 7}" for i in range(ROWS)],
        "y": [0, 1] * (ROWS // 2),
    }
)
QUICK = ["--max-trials", "1", "--folds", "2"]


def german(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, sep=";", decimal=",").encode("latin-1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    (folder / "train.csv").write_bytes(german(FRAME))
    options = ["--target", "y", "--na", "n.v.", "--output", str(folder / "run"), *QUICK]
    assert main(["fit", str(folder / "train.csv"), *options]) == 0
    return folder / "run"


def predicted(capsys: pytest.CaptureFixture[str], run: Path, *args: object) -> str:
    capsys.readouterr()
    assert main(["predict", str(run), *map(str, args), "--proba"]) == 0
    return capsys.readouterr().out


def test_what_was_decided_is_said_and_kept(run: Path, capsys, tmp_path) -> None:
    predictor = load(run)
    said = "';' separated, cp1252, decimal comma, 'n.v.' missing, 60 rows x 4 columns"
    assert predictor.reading.describe() == said
    assert predictor.schema["ort"].categories == ("Bern", "Köln")
    assert predictor.schema["plz"].kind is Kind.CATEGORICAL
    assert json.loads((run / "schema.json").read_text())[0]["decimal"] == ","
    (tmp_path / "train.csv").write_bytes(german(FRAME))
    assert (
        main(["fit", str(tmp_path / "train.csv"), "--target", "y", "--na", "n.v.", "--output", str(tmp_path), *QUICK])
        == 0
    )
    assert f"read train.csv: {said}" in capsys.readouterr().err


def test_later_files_are_read_the_same_way_or_as_said(run: Path, capsys, tmp_path: Path) -> None:
    features = FRAME.drop(columns="y")
    (tmp_path / "same.csv").write_bytes(german(features))
    (tmp_path / "other.csv").write_text(features.replace("n.v.", "none known").to_csv(index=False, sep="|"))
    features.replace("n.v.", None).to_parquet(tmp_path / "t.parquet")
    same = predicted(capsys, run, tmp_path / "same.csv")
    other = ["--sep", "|", "--decimal", ".", "--na", "none known"]
    assert predicted(capsys, run, tmp_path / "other.csv", *other) == same
    assert predicted(capsys, run, tmp_path / "t.parquet") == same
    assert load(run).predict_frame(features, proba=True).to_csv(index=False) == same


def test_a_resumed_run_knows_how_its_table_was_read(run: Path) -> None:
    model = AutoML.resume(run, time_budget=2)
    assert model.read == ReadOptions(na=["n.v."])
    assert model.predictor_.reading.decimal == ","


def test_a_schema_is_printed_edited_and_passed_back(capsys, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(german(FRAME))
    assert main(["schema", str(tmp_path / "train.csv"), "--target", "y", "--types", "ort=text"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "read train.csv: ';' separated, cp1252, decimal comma, 60 rows x 4 columns\n"
    assert '{"name": "ort", "kind": "text", "reason": "set by hand"}' in printed.out
    edited = printed.out.replace('"plz", "kind": "categorical"', '"plz", "kind": "numeric"')
    (tmp_path / "schema.json").write_text(edited, encoding="utf-8")
    options = ["--target", "y", "--schema", str(tmp_path / "schema.json"), "--output", str(tmp_path / "run"), *QUICK]
    assert main(["fit", str(tmp_path / "train.csv"), *options]) == 0
    kinds = {column.name: column.kind.value for column in load(tmp_path / "run").schema.columns}
    assert kinds == {"größe": "numeric", "ort": "text", "plz": "numeric"}


def test_a_schema_takes_the_problem_type_that_its_error_asks_for(capsys, tmp_path: Path) -> None:
    words = pd.DataFrame({"x": range(600), "y": [f"word {number % 300}" for number in range(600)]})
    words.to_csv(tmp_path / "t.csv", index=False)
    command = ["schema", str(tmp_path / "t.csv"), "--target", "y"]
    assert main(command) != 0
    assert "problem type" in capsys.readouterr().err
    assert main([*command, "--problem-type", "multiclass"]) == 0


def test_a_row_number_that_tells_of_the_target_is_printed_as_it_is_kept(capsys, tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": range(400), "x": np.arange(400) % 7, "y": np.arange(400) // 100 % 2})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for options, kind in (([], "identifier"), (["--target", "y"], "numeric")):
        assert main(["schema", str(tmp_path / "t.csv"), *options]) == 0
        assert f'{{"name": "id", "kind": "{kind}"' in capsys.readouterr().out


def test_a_database_and_parts(capsys, tmp_path: Path) -> None:
    frame = FRAME.rename(columns={"größe": "size"})
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        frame.to_sql("sales", connection)
    connection.close()
    source = f"sqlite:///{tmp_path / 'shop.db'}"
    for i in range(2):
        frame.iloc[i * 30 : i * 30 + 30].to_parquet(tmp_path / f"part-{i}.parquet")
    options = [
        "--target",
        "y",
        "--query",
        "select size, ort, plz, y from sales",
        "--output",
        str(tmp_path / "run"),
        *QUICK,
    ]
    assert main(["fit", source, *options, "--test", str(tmp_path / "part-*.parquet")]) == 0
    printed = capsys.readouterr()
    assert "SQL query, 60 rows x 4 columns" in printed.err
    assert re.search(r"^test: roc_auc .* \(positive class \w+\)$", printed.out, re.MULTILINE)
    assert source not in printed.out
    rows = predicted(capsys, tmp_path / "run", source, "--query", "select * from sales where size > 100")
    assert len(rows.splitlines()) == (FRAME["größe"] > 100).sum() + 1


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--sep", ";;"], 2, "sep must be one character"),
        (["--decimal", "-"], 2, "decimal must be one of"),
        (["--encoding", "utf-99"], 2, "encoding must be a text encoding"),
        (["--encoding", "utf-16"], 3, "not written in utf-16"),
        (["--schema", "no.json"], 2, "cannot read the schema 'no.json'"),
        (["--query", "select 1"], 2, "a query needs a database, and 'train.csv' is none"),
        (["--sheet", "Data"], 2, "needs an Excel workbook"),
        (["--test", "no-*.csv"], 3, "no file matches 'no-*.csv'"),
        (["--test", "sqlite:///shop.db"], 2, "read it with a query first"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_does_not_fit_the_table(failure, tmp_path, options, code, message) -> None:
    (tmp_path / "train.csv").write_bytes(german(FRAME))
    result = failure("fit", tmp_path / "train.csv", "--target", "y", "--output", tmp_path / "run", *QUICK, *options)
    assert result[0] == code
    assert message in result[1]
    assert not (tmp_path / "run").exists()
