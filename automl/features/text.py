"""Text columns as numbers: how it is written, what it is about, and what that says about the target."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from automl.data.table import Schema
from automl.deadline import NEVER, Deadline
from automl.features.sampling import sample
from automl.features.state import read, write
from automl.features.supervision import FOLDS, Supervision
from automl.features.terms import LONGEST, SAMPLE, Analyzer, Vocabulary, components, each_once

FORMAT: Final = 1
TERMS: Final = 20_000
TOPICS: Final = 32
BLOCK: Final = 2048
"""Texts whose characters are held as numbers at a time."""
LETTERS: Final = 128
"""Mean characters up to which pieces of words are worth their time."""
LONGEST_WORDS: Final = 12
"""Mean characters of a word beyond which texts are written without blanks: then pieces are all there is."""
PENALTIES: Final = (3.0, 30.0, 300.0)
"""Of the ridge regression on words: a few words that come again and again need a strong one, thousands a weak one."""
JUDGED: Final = 5_000
"""Texts by which words are judged."""
CHANCE: Final = 2.5
"""Standard errors by which words must tell of texts that they were not learned from."""
READ_SHARE: Final = 0.3
"""Share of the time left that the texts of a column may take."""
MANY: Final = 1_000_000
"""Characters of different texts from which that is looked at."""
TRIED: Final = 500
"""Texts by which it is told."""
STATISTICS: Final = ("characters", "words", "digits", "capitals", "exclamations", "questions", "links")


def texts_of(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the texts of a column."""
    return plain_texts(frame[name].to_numpy(dtype=object).tolist())


def plain_texts(cells: Sequence[Any]) -> list[str]:
    """Return the texts in cells; a missing one is empty."""
    return [cell if isinstance(cell, str) else "" for cell in cells]


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How a text is written: lengths, shares of digits and capitals, marks, links."""

    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(f"{statistic}({self.source})" for statistic in STATISTICS)

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return (rows, names)."""
        texts, places = each_once(texts_of(frame, self.source))
        return self.of(texts)[places]

    def of(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the same for the texts of the rows."""
        texts = [text[:LONGEST] for text in texts]
        blocks = [_style(texts[i : i + BLOCK]) for i in range(0, len(texts), BLOCK)]
        return np.concatenate([np.zeros((0, len(STATISTICS))), *blocks])


def _style(texts: Sequence[str]) -> NDArray[np.float64]:
    lengths = np.array([len(text) for text in texts])
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.cumsum(lengths)

    def count(found: NDArray[np.bool_]) -> NDArray[np.intp]:
        running = np.concatenate([[0], np.cumsum(found)])
        return np.asarray(running[ends] - running[ends - lengths])

    among = np.maximum(lengths, 1)
    columns = [
        lengths,
        np.array([len(text.split()) for text in texts]),
        count((points >= ord("0")) & (points <= ord("9"))) / among,
        count((points >= ord("A")) & (points <= ord("Z"))) / among,
        count(points == ord("!")),
        count(points == ord("?")),
        np.array([text.count("http") for text in texts]),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Bag:
    """The tf-idf columns of a text column: words, pairs of words, and pieces of words where texts are short."""

    source: str
    vocabularies: tuple[Vocabulary, ...]

    @classmethod
    def fit(cls, frame: pd.DataFrame, source: str, random_state: int) -> Bag:
        """Choose the terms on a sample of the training rows."""
        texts = texts_of(frame, source)
        texts = [texts[i] for i in sample(len(texts), SAMPLE, random_state)]
        least = min(max(2, len(texts) // 4000), 5)
        letters, words = sum(map(len, texts)), sum(text.count(" ") + 1 for text in texts)
        short = letters <= LETTERS * len(texts) or letters > LONGEST_WORDS * words
        analyzers: tuple[Analyzer, ...] = ("words", "pieces") if short else ("words",)
        return cls(source, tuple(Vocabulary.fit(texts, kind, least=least, most=TERMS) for kind in analyzers))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(f"{self.source} ~ {kind.analyzer}: {term}" for kind in self.vocabularies for term in kind.terms)

    def transform(self, frame: pd.DataFrame) -> csr_array[Any]:
        """Return (rows, names)."""
        texts, places = each_once(texts_of(frame, self.source))
        return self.of(texts)[places]

    def of(self, texts: Sequence[str]) -> csr_array[Any]:
        """Return the same for the texts of the rows."""
        columns: csr_array[Any] = hstack([kind.transform(texts) for kind in self.vocabularies], format="csr")
        return columns

    def of_few(self, terms: Mapping[Analyzer, Sequence[Mapping[str, int]]]) -> csr_array[Any]:
        """Return the same for the counted terms of each text, as each analyzer finds them; quicker for few rows."""
        places, data, ends = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)], [0]
        for counted in zip(*(terms[kind.analyzer] for kind in self.vocabularies), strict=True):
            start, end = 0, ends[-1]
            for kind, found in zip(self.vocabularies, counted, strict=True):
                place, weight = kind.row(found)
                places.append(place + np.int32(start))
                data.append(weight)
                start, end = start + len(kind.terms), end + len(place)
            ends.append(end)
        rows = np.concatenate(data), np.concatenate(places), np.array(ends, np.int32)
        return csr_array(rows, shape=(len(ends) - 1, sum(len(kind.terms) for kind in self.vocabularies)))


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """The texts of training rows as tf-idf weights, each text once."""

    bag: Bag
    weights: csr_array[Any]
    """(texts, terms)."""
    places: NDArray[np.intp]
    """(rows,) which text each row has."""

    @classmethod
    def of(cls, frame: pd.DataFrame, source: str, random_state: int) -> Weighed:
        """Fit the bag of a column and fill it."""
        bag = Bag.fit(frame, source, random_state)
        texts, places = each_once(texts_of(frame, source))
        return cls(bag, bag.of(texts), places)


@dataclass(frozen=True, slots=True, eq=False)
class Topics:
    """The dense columns of a text column: its tf-idf reduced, and a linear prediction of the target from it."""

    bag: Bag
    names: tuple[str, ...]
    projection: NDArray[np.float32]
    """(terms, topics + targets)."""
    bias: NDArray[np.float32]
    """(topics + targets,)."""

    @classmethod
    def fit(cls, texts: Weighed, supervision: Supervision, penalty: float) -> tuple[Topics, NDArray[np.float64]]:
        """Return the part and the training columns, predictions out of fold."""
        weights, places, source = texts.weights, texts.places, texts.bag.source
        rows = places[sample(len(places), SAMPLE, supervision.random_state)]
        topics = components(weights[rows], TOPICS, supervision.random_state)
        slopes, biases, predicted = _ridge(texts, supervision, penalty)
        names = tuple(f"topic({source}) {i + 1}" for i in range(topics.shape[1]))
        part = cls(
            texts.bag,
            (*names, *supervision.named(f"predicted({source})")),
            np.concatenate([topics, slopes.astype(np.float32)], axis=1),
            np.concatenate([np.zeros(topics.shape[1]), biases]).astype(np.float32),
        )
        return part, np.concatenate([(weights @ topics)[places], predicted], axis=1)

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Return (rows, names)."""
        texts, places = each_once(texts_of(frame, self.bag.source))
        return self.of(self.bag.of(texts))[places]

    def of(self, weights: csr_array[Any]) -> NDArray[np.float32]:
        """Return the same for the rows of the bag."""
        columns: NDArray[np.float32] = weights @ self.projection + self.bias
        return columns


TextColumns = Sequence[NDArray[np.float64]]
"""The training columns of each text column."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """What every recipe makes of the texts of the same rows: fitted once, for it takes the longest."""

    topics: tuple[Topics, ...] = ()
    unread: tuple[str, ...] = ()
    """Columns for which there was too little time."""

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        schema: Schema,
        supervision: Supervision,
        deadline: Deadline = NEVER,
        unread: Collection[str] | None = None,
    ) -> tuple[Texts, TextColumns]:
        """Fit the text columns, and the words of categories, on training rows, as far as there is time.

        With ``unread`` all columns but those, whatever the time. Returns also the training columns of each, predictions
        out of fold.

        Words that tell nothing of texts that they were not learned from would be dozens of columns of noise. Of a text
        its style is left then, of a category the category.
        """
        seed = supervision.random_state
        fitted, left = [], []
        for source in schema.texts:
            if source in unread if unread is not None else not _in_time(frame[[source]], source, seed, deadline):
                left.append(source)
                continue
            texts = Weighed.of(frame, source, seed)
            penalty = _telling_penalty(texts, supervision)
            if penalty is not None:
                fitted.append(Topics.fit(texts, supervision, penalty))
        return cls(tuple(topics for topics, _ in fitted), tuple(left)), tuple(columns for _, columns in fitted)

    def save(self, folder: Path) -> None:
        """Write ``texts.json`` and ``arrays.npz`` into an existing folder."""
        write(self, folder, "texts", FORMAT)

    @classmethod
    def load(cls, folder: Path) -> Texts:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ArtifactError
            If the folder was written by another version of this format.
        """
        texts: Texts = read(cls, folder, "texts", FORMAT)
        return texts


def _in_time(frame: pd.DataFrame, source: str, random_state: int, deadline: Deadline) -> bool:
    """Return whether the texts of a column take a small share of the time left, by what some of them take."""
    if deadline.remaining == inf:
        return True
    different = frame.drop_duplicates()
    if different[source].str.len().sum() < MANY:
        return True
    some = different.iloc[sample(len(different), TRIED, random_state)]
    began = time.perf_counter()
    bag = Bag.fit(some, source, random_state)
    chosen = time.perf_counter()
    bag.transform(some)
    weighed = time.perf_counter()
    seconds = (chosen - began) * min(len(frame), SAMPLE) + (weighed - chosen) * len(different)
    return seconds / len(some) < READ_SHARE * deadline.remaining


def _ridge(
    texts: Weighed, supervision: Supervision, penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return slopes (terms, targets) and biases (targets,), the means over the inner folds, and their predictions.

    A row is predicted by the model of the other folds, so that a later model cannot read its target.
    """
    weights, places = texts.weights, texts.places
    rows, terms = len(places), weights.shape[1]
    targets = supervision.values
    slopes, biases = np.zeros((terms, targets.shape[1])), np.zeros(targets.shape[1])
    predicted = np.zeros(targets.shape)
    if not terms:
        return slopes, biases, predicted
    for fold in range(FOLDS):
        inside = supervision.folds == fold
        others = np.flatnonzero(~inside) if rows > 1 else np.arange(rows)
        others = others[sample(len(others), SAMPLE, supervision.random_state + fold)]
        counted = None if supervision.weight is None else supervision.weight[others]
        slope, bias = _slopes(weights, *_by_text(places[others], targets[others], counted, weights.shape[0]), penalty)
        predicted[inside] = (weights @ slope + bias)[places[inside]]
        slopes += slope / FOLDS
        biases += bias / FOLDS
    return slopes, biases, predicted


def _by_text(
    places: NDArray[np.intp], targets: NDArray[np.float64], weight: NDArray[np.float64] | None, texts: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (texts, targets) mean targets of the rows with each text, and (texts,) how much these count."""
    counts = np.bincount(places, weight, texts).astype(np.float64)
    weighted = targets if weight is None else targets * weight[:, None]
    sums = np.stack([np.bincount(places, target, texts) for target in weighted.T], axis=1)
    return sums / np.where(counts, counts, 1.0)[:, None], counts


def _slopes(
    weights: csr_array[Any], means: NDArray[np.float64], counts: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slopes (terms, targets) and biases (targets,) of a ridge regression on texts that count."""
    from sklearn.linear_model import Ridge

    seen = np.flatnonzero(counts)
    model: Any = Ridge(penalty, solver="sparse_cg", tol=1e-3).fit(weights[seen], means[seen], counts[seen])
    return model.coef_.reshape(means.shape[1], -1).T, np.asarray(model.intercept_)


def _telling_penalty(texts: Weighed, supervision: Supervision) -> float | None:
    """Return the penalty with which words best tell the target of texts that they were not learned from.

    Text by text, the squared error for the mean rank of the target is compared with that of the overall mean. None if
    the words tell nothing beyond chance.
    """
    different, terms = texts.weights.shape
    if different < 2 * FOLDS or not terms:
        return None
    ranks = pd.DataFrame(supervision.values).rank().to_numpy()
    means, counts = _by_text(texts.places, ranks, supervision.weight, different)
    some = sample(different, JUDGED, supervision.random_state)
    weights, means, counts = texts.weights[some], means[some], counts[some]
    fold = np.random.default_rng(supervision.random_state).permutation(len(some)) % FOLDS
    best, most = None, 0.0
    for penalty in PENALTIES:
        gains = np.empty(len(some))
        for inside in (fold == k for k in range(FOLDS)):
            slope, bias = _slopes(weights, means, np.where(inside, 0.0, counts), penalty)
            base = np.average(means[~inside], axis=0, weights=counts[~inside])
            errors = np.square(means - base) - np.square(means - (weights @ slope + bias))
            gains[inside] = errors.sum(axis=1)[inside]
        gain, error = gains.mean(), gains.std(ddof=1) / np.sqrt(len(some))
        if best is not None and gain < most:
            break
        if gain > max(most, CHANCE * error):
            best, most = penalty, gain
    return best
