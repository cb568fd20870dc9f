"""Categories that look like one another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from automl.data.profile.record import LookAlike

SHORTEST, SHORTEST_CHANGED = 5, 8
"""Letters from which two words of which one lacks a letter, or in which one differs (as in island and inland), are more
likely one word than two."""
RARE: Final = 0.1
"""Most rows of a misspelling over those of the right spelling."""
MOST: Final = 20_000
"""Categories up to which they are compared."""


def look_alikes(counts: Mapping[str, int]) -> tuple[LookAlike, ...]:
    """Return the categories that are most likely another, more frequent one written differently.

    Those that differ in case, blanks or punctuation only, and rare ones that are one letter away (one letter more,
    fewer, different or moved) from a frequent one, as in SymSpell. Words that differ in a digit are left alone.

    >>> look_alikes({"Lisbon": 40, "lisbon ": 3, "Lisbn": 1, "Porto": 20})
    (LookAlike(rare='lisbon ', frequent='Lisbon', count=3), LookAlike(rare='Lisbn', frequent='Lisbon', count=1))
    """
    if len(counts) > MOST:
        return ()
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    first: dict[str, str] = {}  # a plain form and its most frequent spelling
    nearby: defaultdict[str, list[str]] = defaultdict(list)  # a form less one letter, and the forms that give it
    found: dict[str, str] = {}
    for word in ordered:
        form = _plain(word)
        if form in first:
            found[word] = first[form]
            continue
        near = _near(form, nearby)
        if near is not None and counts[word] <= RARE * counts[first[near]]:
            found[word] = first[near]
            continue
        first[form] = word
        for shorter in _shortened(form):
            nearby[shorter].append(form)
    return tuple(LookAlike(rare, frequent, counts[rare]) for rare, frequent in found.items())


def _plain(word: str) -> str:
    """Return a word without case, blanks, dots, dashes and quotes; those between digits mean something (1.5, 3-4)."""
    return re.sub(r"(?<!\d)[\s._'-]+|[\s._'-]+(?!\d)", "", word.casefold()) or word


def _shortened(form: str) -> Sequence[str]:
    """Return a form and every form with one letter less; digits are never left out."""
    if len(form) < SHORTEST:
        return ()
    return [form, *(form[:i] + form[i + 1 :] for i in range(len(form)) if not form[i].isdigit())]


def _near(form: str, nearby: Mapping[str, Sequence[str]]) -> str | None:
    """Return the most frequent known form that is one letter away."""
    for shorter in _shortened(form):
        for known in nearby.get(shorter, ()):
            changed = len(known) == len(form) and sorted(known) != sorted(form)
            if known[0] == form[0] and (len(form) >= SHORTEST_CHANGED or not changed):  # slips spare the first letter
                return known
    return None
