"""The text columns of many features at once: a text is taken apart once, and what several features share is made once.

All recipes share what is learned from the texts of a fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from automl.data.cells import FEW
from automl.features.parts import Parts
from automl.features.terms import Analyzer, analyze, each_once
from automl.features.text import Bag, Style, Topics, plain_texts

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """Dense columns, styles and then topics, and the tf-idf weights that they and sparse columns come from."""

    styles: tuple[Style, ...]
    bags: tuple[Bag, ...]
    topics: tuple[tuple[int, Topics], ...]
    """Each with the number of its bag."""
    sparse: frozenset[int]
    """The bags that are columns themselves."""

    @property
    def widths(self) -> list[int]:
        """Dense columns of each."""
        return [len(style.names) for style in self.styles] + [len(topics.names) for _, topics in self.topics]

    def __call__(
        self, columns: Mapping[str, NDArray[Any]], rows: int
    ) -> tuple[NDArray[np.float64], dict[int, csr_array[Any]]]:
        """Return (rows, dense columns), and the weights of the sparse bags by number, for texts by column."""
        sources = {*(style.source for style in self.styles), *(bag.source for bag in self.bags)}
        lines = {source: each_once(plain_texts(columns[source].tolist())) for source in sources}
        texts = {source: different for source, (different, _) in lines.items()}
        places = {source: places for source, (_, places) in lines.items()}
        weights = self._few(texts) if rows <= FEW else [bag.of(texts[bag.source]) for bag in self.bags]
        styles = [style.of(texts[style.source])[places[style.source]] for style in self.styles]
        topics = [topics.of(weights[number])[places[topics.bag.source]] for number, topics in self.topics]
        sparse = {number: weights[number][places[self.bags[number].source]] for number in self.sparse}
        return np.concatenate([np.zeros((rows, 0)), *styles, *topics], axis=1), sparse

    def _few(self, texts: Mapping[str, Sequence[str]]) -> list[csr_array[Any]]:
        """Return the weights of each bag, text by text."""
        terms: dict[tuple[str, Analyzer], list[Counter[str]]] = {}
        for bag in self.bags:
            for vocabulary in bag.vocabularies:
                key = bag.source, vocabulary.analyzer
                if key not in terms:
                    terms[key] = [Counter(analyze(text, vocabulary.analyzer)) for text in texts[bag.source]]
        return [
            bag.of_few({kind.analyzer: terms[bag.source, kind.analyzer] for kind in bag.vocabularies})
            for bag in self.bags
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the text columns of one of many features are in what :class:`Written` returns."""

    dense: tuple[int, ...]
    bags: tuple[int, ...]


def share_texts(parts: Sequence[Parts]) -> tuple[Written, list[Places]]:
    """Put the text columns of many features side by side, those that are equal once; return also where each has its."""
    styles = tuple(dict.fromkeys(style.source for part in parts for style in part.styles))
    bags: dict[_Key, tuple[int, Bag]] = {}
    topics: dict[_Key, tuple[int, Topics]] = {}
    for part in parts:
        for bag in (*(each.bag for each in part.topics), *part.bags):
            bags.setdefault(_key(bag), (len(bags), bag))
        for each in part.topics:
            topics.setdefault(_key_of_topics(each), (len(topics), each))
    sparse = frozenset(bags[_key(bag)][0] for part in parts for bag in part.bags)
    written = Written(
        tuple(Style(source) for source in styles),
        tuple(bag for _, bag in bags.values()),
        tuple((bags[_key(each.bag)][0], each) for _, each in topics.values()),
        sparse,
    )
    starts = list(accumulate(written.widths, initial=0))
    places = []
    for part in parts:
        numbers = [styles.index(style.source) for style in part.styles]
        numbers += [len(styles) + topics[_key_of_topics(each)][0] for each in part.topics]
        dense = tuple(place for number in numbers for place in range(starts[number], starts[number + 1]))
        places.append(Places(dense, tuple(bags[_key(bag)][0] for bag in part.bags)))
    return written, places


def _key(bag: Bag) -> _Key:
    """Return what equal bags have in common."""
    return bag.source, *((kind.analyzer, kind.terms, kind.idf.tobytes()) for kind in bag.vocabularies)


def _key_of_topics(topics: Topics) -> _Key:
    return _key(topics.bag), topics.projection.tobytes(), topics.bias.tobytes()
