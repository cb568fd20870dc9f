"""Read, inspect and learn every table in a folder: ``python -m benchmarks.robustness FOLDER [--rows 30] [--output F]``.

The target is the last column. A table is read and its report made; one of enough rows and columns is trained on, a
linear model and LightGBM with one configuration each, and its rows are predicted four times: from the file, as text
cells, as pandas reads the file, and one by one. All must agree. A refusal in one line is an answer; anything else that
is raised is a failure. One JSON line a table, and a table of the counts at the end. Tables that were done are not done
again.
"""

from __future__ import annotations

import argparse
import json
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from automl import AutoML
from automl.data.io import read_table
from automl.errors import AutoMLError
from automl.report.inspection import inspect_table

ENDINGS = (".csv", ".csv.gz", ".tsv", ".json", ".xlsx", ".parquet")
ALONE = 5
"""Rows that are predicted one by one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes", type=int, default=200_000, help="larger files are left out")
    parser.add_argument("--rows", type=int, default=30, help="tables with fewer are only inspected")
    parser.add_argument("--output", type=Path, default=Path("robustness.jsonl"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    done = [json.loads(line) for line in options.output.read_text().splitlines()] if options.output.exists() else []
    known = {record["table"] for record in done}
    files = sorted(path for path in options.folder.rglob("*") if path.name.endswith(ENDINGS))
    with options.output.open("a") as output:
        for file in files:
            name = file.relative_to(options.folder).as_posix()
            if name not in known and file.stat().st_size <= options.bytes:
                done.append({"table": name, **tried(file, options.rows)})
                output.write(json.dumps(done[-1]) + "\n")
                output.flush()
    show(done)


def tried(file: Path, rows: int) -> dict[str, str]:
    """Return what became of a table: an outcome, and what was said."""
    try:
        frame, _ = read_table(file)
        target = str(frame.columns[-1])
        report = inspect_table(file, target=target)
        report.to_json(), report.to_html()
        if len(frame) < rows or frame.shape[1] < 3:
            return {"outcome": "inspected"}
        with TemporaryDirectory() as folder:
            options: dict[str, Any] = {"max_trials": 2, "families": ["linear", "lightgbm"], "folds": 3}
            model = AutoML(**options, output=Path(folder) / "run").fit(file, target=target)
            return differing(model, file, frame.drop(columns=target))
    except AutoMLError as error:
        return {"outcome": "refused", "said": str(error)}
    except Exception:
        return {"outcome": "failed", "said": traceback.format_exc()[-2_000:]}


def differing(model: AutoML, file: Path, cells: pd.DataFrame) -> dict[str, str]:
    """Compare the predictions for a file with those for its rows in other forms."""
    expected = model.predict(file)
    records = cells.head(ALONE).astype(object).where(cells.head(ALONE).notna(), None).to_dict("records")
    forms: dict[str, Any] = {"cells": model.predict(cells), "rows": [model.predict([row])[0] for row in records]}
    if file.name.endswith((".csv", ".csv.gz")):
        with suppress(UnicodeDecodeError, pd.errors.ParserError):  # pandas cannot read the file
            forms["pandas"] = model.predict(pd.read_csv(file))
    wrong = [name for name, found in forms.items() if not alike(expected, np.asarray(found))]
    return {"outcome": "differs", "said": ", ".join(wrong)} if wrong else {"outcome": "trained"}


def alike(expected: np.ndarray, found: np.ndarray) -> bool:
    """Return whether the first predictions, or all, are the same."""
    expected = expected[: len(found)] if len(found) == ALONE else expected
    if len(expected) != len(found):
        return False
    if expected.dtype.kind == "f":
        return bool(np.allclose(found.astype(float), expected, rtol=1e-6, equal_nan=True))
    return bool((found == expected).all())


def show(records: list[dict[str, str]]) -> None:
    """Print how many tables had which outcome, and what was wrong with the worst."""
    counts = Counter(record["outcome"] for record in records)
    print("| tables | trained | inspected only | refused | predictions differ | failed |")
    print("| --- | --- | --- | --- | --- | --- |")
    outcomes = ("trained", "inspected", "refused", "differs", "failed")
    print(f"| {len(records)} | " + " | ".join(str(counts[outcome]) for outcome in outcomes) + " |")
    for record in records:
        if record["outcome"] in ("differs", "failed"):
            print(f"{record['table']}: {record['outcome']}: {record['said'].splitlines()[-1]}")


if __name__ == "__main__":
    main()
