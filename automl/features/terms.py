"""Words and pieces of words as tf-idf columns, and their reduction to a few dense ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, pairwise, repeat
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack

Analyzer = Literal["words", "pieces"]

LONGEST: Final = 10_000
"""Characters of a text that are read."""
SAMPLE: Final = 20_000
"""Texts that the vocabulary and the reduction are fitted on."""
BLOCK: Final = 10_000
"""Texts whose terms are counted at a time."""
PIECES: Final = (3, 4, 5)
_WORD_LENGTH: Final = 32
_WORD: Final = re.compile(r"\w\w+")
_SUBLINEAR: Final = 1 + np.log(np.arange(1, LONGEST * 2))


def analyze(text: str, analyzer: Analyzer) -> Iterator[str]:
    """Yield words and pairs of neighbouring words, or the pieces of 3 to 5 characters of each word and its edges.

    >>> list(analyze("Deputy Sheriff II", "words"))
    ['deputy', 'sheriff', 'ii', 'deputy sheriff', 'sheriff ii']
    >>> list(analyze("IT II", "pieces"))
    [' it', 'it ', ' it ', ' ii', 'ii ', ' ii ']
    """
    text = text[:LONGEST].lower()
    if analyzer == "words":
        words = _WORD.findall(text)
        return chain(words, map(" ".join, pairwise(words)))
    return chain.from_iterable(map(_pieces, text.split()))


def _pieces(word: str) -> tuple[str, ...]:
    """Return the pieces of a word. Words come again and again; what is longer does not, and has thousands of them."""
    return _pieces_of_words(word) if len(word) <= _WORD_LENGTH else _cut(word)


def _cut(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(padded[i : i + size] for size in PIECES for i in range(len(padded) - size + 1))


_pieces_of_words = lru_cache(maxsize=20_000)(_cut)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Turns texts into rows of tf-idf weights of length 1: ``(1 + log(count)) * idf``."""

    analyzer: Analyzer
    terms: tuple[str, ...]
    idf: NDArray[np.float64]

    @classmethod
    def fit(cls, texts: Sequence[str], analyzer: Analyzer, *, least: int, most: int) -> Vocabulary:
        """Keep the ``most`` terms that are in most texts, if they are in at least ``least``."""
        frequency: Counter[str] = Counter()
        for text, count in Counter(texts).items():
            found = set(analyze(text, analyzer))
            frequency.update(found if count == 1 else dict.fromkeys(found, count))  # the first is the quicker one
        frequent = sorted((-count, term) for term, count in frequency.items() if count >= least)[:most]
        counts = np.array([-count for count, _ in frequent], dtype=np.float64)
        return cls(analyzer, tuple(term for _, term in frequent), np.log((1 + len(texts)) / (1 + counts)) + 1)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {term: i for i, term in enumerate(self.terms)}

    def transform(self, texts: Sequence[str]) -> csr_array[Any]:
        """Return (texts, terms) float32 weights; a text without known terms is a row of zeros."""
        starts = range(0, max(1, len(texts)), BLOCK)
        blocks: csr_array[Any] = vstack([self._weights(texts[start : start + BLOCK]) for start in starts], format="csr")
        return blocks

    def _weights(self, texts: Sequence[str]) -> csr_array[Any]:
        """Return the same, in many times the memory."""
        get, unknown = self._index.get, repeat(-1)
        found = [np.fromiter(map(get, analyze(text, self.analyzer), unknown), np.int32) for text in texts]
        rows = np.repeat(np.arange(len(texts)), [len(places) for places in found])
        places = np.concatenate([np.zeros(0, np.int32), *found])
        known = places >= 0
        shape = (len(texts), len(self.terms))
        weights = csr_array(coo_array((np.ones(known.sum()), (rows[known], places[known])), shape=shape))
        weights.data = _SUBLINEAR[weights.data.astype(np.intp) - 1] * self.idf[weights.indices]
        rows = np.repeat(np.arange(len(texts)), np.diff(weights.indptr))
        lengths = np.sqrt(np.bincount(rows, weights=np.square(weights.data), minlength=len(texts)))
        weights.data /= lengths[rows]
        return weights.astype(np.float32)

    def row(self, terms: Mapping[str, int]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the places and weights of a text's terms, which are counted: its row of :meth:`transform`."""
        index = self._index
        known = sorted((index[term], count) for term, count in terms.items() if term in index)
        places = np.array([place for place, _ in known], np.int32)
        weights = _SUBLINEAR[np.array([count - 1 for _, count in known], np.intp)] * self.idf[places]
        length = np.sqrt(np.bincount(np.zeros(len(known), np.intp), weights=np.square(weights), minlength=1))
        return places, (weights / length).astype(np.float32)


def each_once(texts: Iterable[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Return the different texts, and which of them each is.

    >>> each_once(["b", "a", "b"])
    (['b', 'a'], array([0, 1, 0]))
    """
    known: dict[str, int] = {}
    places = [known.setdefault(text, len(known)) for text in texts]
    return list(known), np.array(places, np.intp)


def components(weights: csr_array[Any], dims: int, random_state: int) -> NDArray[np.float32]:
    """Return (terms, dims): what a sparse row is multiplied with for a short dense one (truncated SVD).

    There are never more dims than the rank allows; there may be none.
    """
    dims = min(dims, min(weights.shape) - 1)
    if dims < 1 or not weights.nnz:
        return np.zeros((weights.shape[1], 0), np.float32)
    from sklearn.utils.extmath import randomized_svd

    found: NDArray[np.float32] = randomized_svd(weights, dims, n_iter=3, random_state=random_state)[2]
    return np.ascontiguousarray(found.T, dtype=np.float32)
