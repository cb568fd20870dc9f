"""A candidate as code: it runs with plain libraries, comes near to the leaderboard, and takes nothing for code."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import TimeSeriesSplit

from automl import AutoML
from automl.cli import main
from automl.config import ReadOptions
from automl.deploy.export import export
from automl.errors import ArtifactError, UsageError
from automl.tuning.review import leaderboard

DATASETS = Path(__file__).parents[2] / "datasets"


def scores(script: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> tuple[float, float]:
    """Run a script in this process; return what it found and what it says that the run found."""
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that the script calls
        runpy.run_path(str(script))["main"](table)
    found = re.search(r"^\w+: (\S+) \(leaderboard: (\S+)\)$", capsys.readouterr().out, re.MULTILINE)
    assert found
    return float(found[1]), float(found[2])


@pytest.fixture(scope="module")
def churn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("script") / "run"
    AutoML(max_trials=6, folds=2, n_jobs=1, output=folder).fit(DATASETS / "churn.csv", target="churn")
    return folder


def test_every_candidate_comes_near_to_its_score(
    churn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    families = {}
    for row in leaderboard(churn_run).rows:
        folder = export(churn_run, tmp_path / row.candidate, "code", candidate=row.candidate)
        found, expected = scores(folder / "train.py", DATASETS / "churn.csv", capsys)
        assert expected == pytest.approx(row.score.value, rel=1e-4)
        families[row.family] = max(abs(found - expected), families.get(row.family, 0))
    assert len(families) >= 5
    assert families["constant"] == 0
    assert families["linear"] < 0.03
    assert max(families.values()) < 0.1  # columns are encoded in fewer ways, which some configurations notice


def test_it_runs_alone_and_says_what_it_leaves_out(churn_run: Path, tmp_path: Path) -> None:
    best = leaderboard(churn_run).rows[0]
    assert main(["export", str(churn_run), "--format", "code", "--to", str(tmp_path / "code")]) == 0
    text = (tmp_path / "code" / "train.py").read_text()
    assert best.candidate in text
    assert "import automl" not in text
    assert "from automl" not in text
    assert "\n- " in text.split('"""')[1]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "train.py", DATASETS / "churn.csv"],
        cwd=tmp_path / "code",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"(leaderboard: {best.score.value:.5g})" in done.stdout
    pins = (tmp_path / "code" / "requirements.txt").read_text()
    assert re.fullmatch(r"([\w-]+==[\w.]+\n)+", pins)
    (tmp_path / "short.csv").write_text("\n".join((DATASETS / "churn.csv").read_text().splitlines()[:100]))
    short = subprocess.run(
        [sys.executable, tmp_path / "code" / "train.py", tmp_path / "short.csv"], capture_output=True, text=True
    )
    assert "the run had 1200 rows with a target" in short.stderr


def test_amounts_over_time_of_a_hostile_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The logarithm of the target, folds that step back in time, and names that would like to be code."""
    rng = np.random.default_rng(0)
    rows = 200
    x = rng.normal(size=rows)
    frame = pd.DataFrame(
        {
            '"""\nraise SystemExit(1)': x.round(4),
            "{{ 7 * 7 }}": rng.choice(["a'b", 'c"d', "{% raw %}"], rows),
            "day": pd.Timestamp("2024-01-01", tz="Europe/Rome") + pd.to_timedelta(np.arange(rows), unit="D"),
            "weight, kg": [f"{value:.1f} kg" for value in 50 + 10 * rng.random(rows)],
            "cost\n": np.exp(2 * x + rng.normal(0, 0.2, rows)).round(3),
        }
    )
    frame.to_parquet(tmp_path / "table.parquet")
    run = tmp_path / "run"
    AutoML(max_trials=5, folds=TimeSeriesSplit(3), n_jobs=1, output=run, metric="mae").fit(
        tmp_path / "table.parquet", target="cost"
    )
    best_last = [row for row in reversed(leaderboard(run).rows) if row.family != "constant"]
    rows_by_target = {row.params.get("target", "plain"): row for row in best_last}
    assert rows_by_target.keys() == {"plain", "log"}
    worst = max(row.score.value for row in leaderboard(run).rows)
    for row in rows_by_target.values():
        folder = export(run, tmp_path / row.candidate, "code", candidate=row.candidate)
        found, expected = scores(folder / "train.py", tmp_path / "table.parquet", capsys)
        assert expected == pytest.approx(row.score.value, rel=1e-4)
        assert found < 0.7 * worst


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "code", "--candidate", "lightgbm-0"], "see `automl leaderboard`"),
        (["--candidate", "lightgbm-0"], "these can be had"),
        (["--format", "code", "--to", "train.tar.gz"], "code is a folder"),
    ],
)
def test_options_that_do_not_go_together(
    churn_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["export", str(churn_run), "--to", str(tmp_path / "code"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "code").exists()


def test_an_artifact_has_no_candidates(churn_run: Path, tmp_path: Path) -> None:
    copied = export(churn_run, tmp_path / "model")
    with pytest.raises(ArtifactError, match="not a run folder"):
        export(copied, tmp_path / "code", "code")
    with pytest.raises(UsageError, match="did you mean"):
        export(churn_run, tmp_path / "code", "code", candidate=leaderboard(churn_run).rows[0].candidate[:-1])


def test_decimal_commas_json_lines_and_sheets_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": (1000 * rng.random(200)).round(2), "b": rng.random(200).round(3)})
    frame["y"] = (frame["a"] / 500 + frame["b"]).round(4)
    frame.to_csv(tmp_path / "comma.csv", sep=";", decimal=",", index=False)
    frame.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    with pd.ExcelWriter(tmp_path / "book.xlsx") as book:
        pd.DataFrame({"note": ["a", "b"]}).to_excel(book, sheet_name="about", index=False)
        frame.to_excel(book, sheet_name="rows", index=False)
    for name, read in (("comma.csv", None), ("rows.jsonl", None), ("book.xlsx", ReadOptions(sheet="rows"))):
        run = AutoML(max_trials=1, folds=2, n_jobs=1, read=read, output=tmp_path / f"run-{name}")
        run.fit(tmp_path / name, target="y")
        script = export(run.run_, tmp_path / f"code-{name}", "code") / "train.py"
        found, expected = scores(script, tmp_path / name, capsys)
        assert found == pytest.approx(expected, rel=0.2)
    assert "openpyxl==" in (tmp_path / "code-book.xlsx" / "requirements.txt").read_text()


def test_numbers_that_are_names_are_categories_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    shop, size = rng.integers(0, 100, 1_000), rng.random(1_000).round(3)
    sales = (rng.normal(size=100)[shop] + size).round(3)
    frame = pd.DataFrame(
        {"shop": np.where(rng.random(1_000) < 0.05, np.nan, 7_000 + 3 * shop), "size": size, "sales": sales}
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    run = AutoML(max_trials=2, folds=2, n_jobs=1, output=tmp_path / "run").fit(tmp_path / "table.csv", target="sales")
    script = export(run.run_, tmp_path / "code", "code") / "train.py"
    found, expected = scores(script, tmp_path / "table.csv", capsys)
    assert found == pytest.approx(expected, rel=0.3)
    assert expected < 0.6 * sales.std()


def test_pieces_of_codes_are_columns_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    deck, number = rng.integers(0, 6, 1_000), rng.integers(0, 900, 1_000)
    cabin = pd.Series([f"{'ABCDEF'[d]}-{n:03d}" for d, n in zip(deck, number, strict=True)], name="cabin")
    price = (deck % 2 + number / 300 + 0.1 * rng.normal(size=1_000)).round(3)
    pd.DataFrame({"cabin": cabin.mask(rng.random(1_000) < 0.05), "price": price}).to_csv(tmp_path / "table.csv")
    run = AutoML(max_trials=2, folds=2, n_jobs=1, output=tmp_path / "run").fit(tmp_path / "table.csv", target="price")
    script = export(run.run_, tmp_path / "code", "code") / "train.py"
    assert "PIECES" in script.read_text()
    found, expected = scores(script, tmp_path / "table.csv", capsys)
    assert found == pytest.approx(expected, rel=0.3)
    assert expected < 0.6 * price.std()


def test_numbers_that_mean_missing_are_missing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.random(200).round(3)})
    frame["y"] = (2 * frame["a"]).round(3).map("{:.3f}".format).mask(rng.random(200) < 0.1, "999.00")
    frame.to_csv(tmp_path / "coded.csv", index=False)
    run = AutoML(max_trials=1, folds=2, n_jobs=1, read=ReadOptions(na=["999"]), output=tmp_path / "run")
    run.fit(tmp_path / "coded.csv", target="y")
    found, expected = scores(export(run.run_, tmp_path / "code", "code") / "train.py", tmp_path / "coded.csv", capsys)
    assert found == pytest.approx(expected, rel=0.2)


def test_objects_named_rows_and_lists_of_numbers_are_columns_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 4)).round(3)
    rows = pd.DataFrame(
        {
            "emb": [str(row) for row in numbers],
            "home": [None if i % 9 == 0 else {"size": i % 7 / 2} for i in range(300)],
            "y": (numbers.sum(axis=1) + np.arange(300) % 7 + np.arange(300) / 60).round(3),
        },
        index=pd.Index(np.arange(300) / 10, name="day"),
    )
    rows.to_parquet(tmp_path / "rows.parquet")
    rows.reset_index().to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    for name in ("rows.parquet", "rows.jsonl"):
        model = AutoML(max_trials=1, families=["linear"], folds=2, n_jobs=1, output=tmp_path / f"run-{name}")
        model.fit(tmp_path / name, target="y")
        script = export(model.run_, tmp_path / f"code-{name}", "code") / "train.py"
        found, expected = scores(script, tmp_path / name, capsys)
        assert found == pytest.approx(expected, rel=0.2)
        assert expected < 0.6 * rows["y"].std()
