from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from typed_frames import ALL_NEEDS, TASKS, schema_of, texts

from automl.data.schema import apply_schema
from automl.data.table import Column, Kind, Schema
from automl.deadline import Deadline
from automl.features.matrix import Needs
from automl.features.pipeline import Features, fit_features, fit_texts
from automl.features.supervision import supervise
from automl.features.terms import Vocabulary, components
from automl.features.text import PENALTIES, Bag, Style, Texts, Topics, Weighed

LINES = ["the fire is near, the fire burns", "no fire at all", "a quiet day at the lake", "the lake burns", ""]


@pytest.mark.parametrize(
    ("analyzer", "reference"),
    [
        ("words", {"ngram_range": (1, 2)}),
        ("pieces", {"ngram_range": (3, 5), "analyzer": "char_wb"}),
    ],
)
def test_weights_are_those_of_scikit_learn(analyzer: str, reference: dict[str, object]) -> None:
    expected = TfidfVectorizer(sublinear_tf=True, min_df=2, **reference).fit(LINES)
    vocabulary = Vocabulary.fit(LINES, analyzer, least=2, most=1000)  # type: ignore[arg-type]
    assert set(vocabulary.terms) == set(expected.vocabulary_)
    places = [expected.vocabulary_[term] for term in vocabulary.terms]
    ours = vocabulary.transform(LINES).toarray()
    np.testing.assert_allclose(ours, expected.transform(LINES).toarray()[:, places], rtol=1e-6)


def test_the_most_frequent_terms_are_kept() -> None:
    assert Vocabulary.fit(["a1 b1", "b1 a1", "a1 c1"], "words", least=1, most=2).terms == ("a1", "b1")


def test_topics_keep_the_distances() -> None:
    generator = np.random.default_rng(0)
    topics = [["fire", "smoke", "burn", "heat"], ["lake", "water", "swim", "boat"]]
    lines = [" ".join(generator.choice(topics[i % 2], 3)) for i in range(80)]
    weights = Vocabulary.fit(lines, "words", least=2, most=100).transform(lines)
    reduced = weights @ components(weights, 2, random_state=0)
    similar = reduced @ reduced.T
    same = np.arange(80)[:, None] % 2 == np.arange(80) % 2
    assert similar[same].mean() > 5 * abs(similar[~same].mean())


def test_style_counts() -> None:
    frame = pd.DataFrame({"t": texts(["ABc 12!!? http://x", "", "éé"])})
    style = Style("t")
    values = dict(zip(style.names, style.transform(frame).T.tolist(), strict=True))
    assert values["characters(t)"] == [18, 0, 2]
    assert values["words(t)"] == [3, 0, 1]
    assert values["digits(t)"] == [2 / 18, 0, 0]
    assert values["capitals(t)"] == [2 / 18, 0, 0]
    assert values["exclamations(t)"] == [2, 0, 0]
    assert values["questions(t)"] == [1, 0, 0]
    assert values["links(t)"] == [1, 0, 0]


def reports(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(seed)
    words = np.array([f"word{i:02d}" for i in range(60)])
    y = generator.integers(0, 2, rows)
    lines = [
        " ".join([*generator.choice(words, 6), *(["alarm"] if label and i % 3 else [])]) for i, label in enumerate(y)
    ]
    return pd.DataFrame({"t": texts(lines)}), y


def test_the_prediction_from_text_is_honest_on_training_rows() -> None:
    train, y = reports(600, seed=0)
    later, y_later = reports(600, seed=1)
    schema = schema_of(t=Kind.TEXT)
    features, matrix = fit_features(train, y, schema, TASKS["binary"], Needs(), random_state=0)
    column = matrix.names.index("predicted(t)")
    honest = roc_auc_score(y, matrix.dense[:, column])
    new = roc_auc_score(y_later, features.transform(later).dense[:, column])
    assert new > 0.75
    assert honest == pytest.approx(new, abs=0.06)


def test_the_words_of_a_new_category_tell_what_it_is_like() -> None:
    generator = np.random.default_rng(0)
    jobs = [f"{job} {place}" for job in ("deputy", "nurse", "clerk") for place in map("ward {}".format, range(30))]
    schema = Schema((Column("job", Kind.CATEGORICAL, "", tuple(jobs), worded=True),))
    table = pd.DataFrame({"job": generator.choice(jobs, 900)})
    y = table["job"].str.startswith("nurse").to_numpy(np.float64) + generator.normal(size=900)
    features, matrix = fit_features(
        apply_schema(table, schema), y, schema, TASKS["regression"], Needs(), random_state=0
    )
    new = features.transform(apply_schema(pd.DataFrame({"job": ["nurse annex", "deputy annex"]}), schema))
    nurse, deputy = new.dense[:, matrix.names.index("predicted(job in words)")]
    assert nurse > deputy + 0.4
    assert set(matrix.sources) == {("job",)}


@pytest.mark.parametrize("task", sorted(TASKS))
def test_words_that_tell_nothing_of_other_categories_are_no_columns(task: str) -> None:
    """The categories tell the target here, but only each its own."""
    generator = np.random.default_rng(0)
    names = ["".join(generator.choice(list("abcdefgh"), 6)) for _ in range(80)]
    schema = Schema((Column("name", Kind.CATEGORICAL, "", tuple(names), worded=True),))
    codes = generator.integers(0, 80, 1600).astype(np.int32)
    frame = pd.DataFrame({"name": codes, "name in words": texts([names[code] for code in codes])})
    y = generator.integers(0, TASKS[task].n_classes or 3, 80)[codes]
    y = y + generator.normal(size=1600) if task == "regression" else y
    _, matrix = fit_features(frame, y, schema, TASKS[task], Needs(), random_state=0)
    assert all("in words" not in name for name in matrix.names)
    assert any(name.startswith("mean(name)") for name in matrix.names)


def test_a_few_words_that_come_again_and_again_tell_of_a_rare_class() -> None:
    """They need a stronger penalty than the thousands of words of long texts."""
    generator = np.random.default_rng(7)
    words = ["love", "great", "discount", "spam", "late", "shoes", "gift", "refund", "never", "again"]
    lines = [" ".join(generator.choice(words, generator.integers(1, 8))) for _ in range(3_000)]
    risk = np.array([1.2 * ("love" in line) - 0.9 * ("refund" in line) - 2.3 for line in lines])
    y = (generator.random(3_000) < 1 / (1 + np.exp(-risk))).astype(np.int64)
    frame, schema = pd.DataFrame({"t": texts(lines)}), schema_of(t=Kind.TEXT)
    _, matrix = fit_features(frame, y, schema, TASKS["binary"], Needs(), random_state=0)
    assert roc_auc_score(y, matrix.dense[:, matrix.names.index("predicted(t)")]) > 0.6


def test_random_text_predicts_nothing() -> None:
    train, _ = reports(600, seed=0)
    y = np.random.default_rng(5).integers(0, 2, 600)
    supervision = supervise(y, TASKS["binary"], random_state=0)
    topics, columns = Topics.fit(Weighed.of(train, "t", 0), supervision, PENALTIES[0])
    assert topics.names[-1] == "predicted(t)"
    assert abs(roc_auc_score(y, columns[:, -1]) - 0.5) < 0.08
    assert roc_auc_score(y, topics.transform(train)[:, -1]) > 0.7


def test_tfidf_columns_are_sparse() -> None:
    train, y = reports(200, seed=0)
    needs = Needs("impute", "onehot", "standard", "tfidf", sparse=True)
    features, matrix = fit_features(train, y, schema_of(t=Kind.TEXT), TASKS["binary"], needs, random_state=0)
    assert features.compressed
    assert "t ~ words: alarm" in matrix.names
    assert not any(name.startswith(("topic", "predicted")) for name in matrix.names)


@pytest.mark.parametrize("needs", ALL_NEEDS, ids=lambda needs: needs.recipe)
def test_texts_that_were_fitted_before_give_the_same_features(needs: Needs) -> None:
    generator = np.random.default_rng(1)
    words = ["fire", "smoke", "lake", "boat", "calm"]
    frame = pd.DataFrame(
        {"n": generator.normal(size=60), "t": texts([" ".join(generator.choice(words, 4)) for _ in range(60)])}
    )
    table = frame, generator.integers(0, 2, 60), schema_of(n=Kind.NUMERIC, t=Kind.TEXT), TASKS["binary"]
    alone, X = fit_features(*table, needs, random_state=0)
    shared, X_shared = fit_features(*table, needs, random_state=0, texts=fit_texts(*table, random_state=0))
    np.testing.assert_array_equal(X_shared.dense, X.dense)
    assert X_shared.names == X.names
    np.testing.assert_array_equal(shared.transform(frame).dense, alone.transform(frame).dense)


@pytest.mark.parametrize("needs", ALL_NEEDS, ids=lambda needs: needs.recipe)
def test_features_are_saved_without_what_they_have_learned_of_texts_and_read_with_it(
    needs: Needs, tmp_path: Path
) -> None:
    generator = np.random.default_rng(1)
    said = [" ".join(generator.choice(["fire", "smoke", "lake", "boat", "calm"], 4)) for _ in range(200)]
    frame = pd.DataFrame({"n": generator.normal(size=200), "t": texts(said)})
    table = frame, np.array(["fire" in text for text in said]).astype(int), schema_of(n=Kind.NUMERIC, t=Kind.TEXT)
    learned = fit_texts(*table, TASKS["binary"], random_state=0)
    assert learned[0].topics
    features, _ = fit_features(*table, TASKS["binary"], needs, random_state=0, texts=learned)
    features.save(tmp_path)
    assert Features.load(tmp_path).parts.topics == Features.load(tmp_path).parts.bags == ()
    (tmp_path / "texts").mkdir()
    learned[0].save(tmp_path / "texts")
    loaded = Features.load(tmp_path, Texts.load(tmp_path / "texts"))
    assert loaded.transform(frame).names == features.transform(frame).names
    np.testing.assert_array_equal(loaded.transform(frame).dense, features.transform(frame).dense)


def test_weights_do_not_depend_on_how_many_texts_are_counted_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = Vocabulary.fit(LINES, "words", least=1, most=1000)
    whole = vocabulary.transform(LINES)
    monkeypatch.setattr("automl.features.terms.BLOCK", 2)
    np.testing.assert_array_equal(vocabulary.transform(LINES).toarray(), whole.toarray())
    assert vocabulary.transform([]).shape == (0, whole.shape[1])


def test_texts_that_take_too_long_are_left_out() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(500)], dtype=object)
    said = [" ".join(row) for row in words[rng.integers(0, 500, (4_000, 60))]]
    frame = pd.DataFrame({"said": pd.array(said, "string[pyarrow]")})
    y = np.array([float("word7 " in text) for text in said])
    schema = Schema((Column("said", Kind.TEXT, ""),))
    hurried, nothing = fit_texts(frame, y, schema, TASKS["regression"], random_state=0, deadline=Deadline.after(0.2))
    assert (hurried.unread, hurried.topics, nothing) == (("said",), (), ())
    patient, columns = fit_texts(frame, y, schema, TASKS["regression"], random_state=0, deadline=Deadline.after(600))
    assert patient.unread == ()
    assert len(patient.topics) == len(columns) == 1


def test_long_texts_without_blanks_are_read_in_pieces() -> None:
    phrases = np.array(["这个产品很好用", "质量太差不推荐", "物流速度非常快", "包装破损了很多"])
    drawn = np.random.default_rng(0).integers(0, 4, size=(60, 25))
    frame = pd.DataFrame({"t": ["".join(phrases[row]) for row in drawn]})
    assert {kind.analyzer for kind in Bag.fit(frame, "t", 0).vocabularies} == {"words", "pieces"}
    spaced = frame.assign(t=[" ".join(phrases[row]) for row in drawn])
    assert {kind.analyzer for kind in Bag.fit(spaced, "t", 0).vocabularies} == {"words"}
