"""Words of categories from the fit to the prediction: what a value says that training has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, Predictor, load
from automl.deploy.export import export
from automl.errors import AutoMLError
from automl.explanation import explain

TRADES = {"nurse": 50.0, "deputy": 40.0, "clerk": 20.0}
PLACES = ["ward", "county", "harbour", "airport", "district", "museum", "library", "court"]


def table(rows: int, places: list[str], rng: np.random.Generator) -> pd.DataFrame:
    titles = np.array([f"{trade} {place} {grade}" for trade in TRADES for place in places for grade in ("one", "two")])
    name = "".join(rng.choice(list("abcdefgh"), 5).tolist())
    frame = pd.DataFrame(
        {
            "title": rng.choice(titles, rows),
            "firm": rng.choice([f"{name}{i % 9}{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(70)], rows),
            "years": rng.integers(0, 30, rows).astype(float),
        }
    )
    pay = frame["title"].str.split().str[0].map(TRADES) + 0.5 * frame["years"]
    return frame.assign(pay=pay + rng.normal(size=rows))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    train = table(600, [*PLACES, "port", "school"], np.random.default_rng(0))
    return AutoML(max_trials=2, folds=2, output=tmp_path_factory.mktemp("words") / "run").fit(train, target="pay").run_


@pytest.fixture(scope="module")
def predictor(run: Path) -> Predictor:
    return load(run)


def test_new_titles_are_paid_as_their_trade(predictor: Predictor) -> None:
    rows = table(300, ["embassy", "castle"], np.random.default_rng(1))
    assert np.sqrt(np.mean((predictor.predict(rows) - rows["pay"]) ** 2)) < rows["pay"].std() / 2


def test_only_words_that_tell_are_read(predictor: Predictor) -> None:
    assert predictor.schema["title"].worded
    assert not predictor.schema["firm"].worded


def test_a_row_alone_is_predicted_as_among_others(predictor: Predictor) -> None:
    rows = table(40, ["embassy", "ward"], np.random.default_rng(2)).drop(columns="pay")
    rows.loc[0, "title"] = None
    together = predictor.predict(pd.concat([rows] * 3))[:40]
    alone = [predictor.predict([row])[0] for row in rows.to_dict("records")]
    np.testing.assert_array_equal(alone, together)


def test_a_title_is_explained_as_one_column(predictor: Predictor) -> None:
    rows = table(3, ["embassy"], np.random.default_rng(3))
    told = explain(predictor, rows, pairs=2)
    assert list(told.names) == ["title", "firm", "years"]
    np.testing.assert_allclose(told.base + told.added.sum(axis=1), predictor.predict(rows), rtol=1e-9)


def test_onnx_cannot_read_words(run: Path, tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match=r"'title'.*types={'title': 'categorical'}"):
        export(run, tmp_path / "model.onnx", "onnx")


def test_words_are_kept_once_a_fold(predictor: Predictor) -> None:
    word = predictor.parts[0].features.parts.topics[0].bag.vocabularies[0].terms[0]
    files = [
        path for path in predictor.manifest["files"] if f'"{word}"' in (predictor.folder / path).read_text("latin1")
    ]
    assert files == ["features/topics/fold-0/texts.json", "features/topics/fold-1/texts.json"]
