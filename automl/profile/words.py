"""Categories that look like one another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from automl.profile.record import LookAlike

LONGEST: Final = 60
"""Letters of a value that may have one too many or too few: all of its forms are compared."""
SHORTEST, SHORTEST_CHANGED = 4, 8
"""Letters from which two words of which one lacks a letter, or in which one differs (as in island and inland), are more
likely one word than two."""
RARE: Final = 0.1
"""Most rows of a misspelling over those of the right spelling."""
MOST: Final = 20_000
"""Categories up to which they are compared."""
MANY: Final = 0.05
"""Categories over rows from which they are names of things, and two that differ in a letter are two things."""


def look_alikes(counts: Mapping[str, int]) -> tuple[LookAlike, ...]:
    """Return the categories that are most likely another, more frequent one written differently.

    Those that differ in case, blanks or punctuation only, and rare ones of which one word is a slip of the pen away
    (one letter more, fewer, different or moved) from a frequent one; slips are found as by SymSpell. Digits are never
    slips, and among very many categories, such as names, there are none.

    >>> look_alikes({"Lisbon": 400, "lisbon ": 3, "Lisbn": 1, "Porto": 20})
    (LookAlike(rare='lisbon ', frequent='Lisbon', count=3), LookAlike(rare='Lisbn', frequent='Lisbon', count=1))
    """
    if len(counts) > MOST:
        return ()
    slips = len(counts) <= MANY * sum(counts.values())
    first: dict[str, str] = {}  # a plain form and its most frequent spelling
    nearby: defaultdict[str, list[str]] = defaultdict(list)  # a form less one letter, and the spellings that give it
    found: dict[str, str] = {}
    for word in sorted(counts, key=lambda word: (-counts[word], word)):
        form = _plain(word)
        shortened = _shortened(form) if slips else ()
        frequent = first.get(form) or _near(word, {known for shorter in shortened for known in nearby[shorter]})
        if form in first or (frequent is not None and counts[word] <= RARE * counts[frequent]):
            found[word] = str(frequent)
            continue
        first[form] = word
        for shorter in shortened:
            nearby[shorter].append(word)
    return tuple(LookAlike(rare, frequent, counts[rare]) for rare, frequent in found.items())


def _plain(word: str) -> str:
    """Return a word without case, blanks, dots, dashes and quotes, but for those that mean something.

    Between digits (1.5, 3-4) all do, at the ends a dash does (the mark B-, the number -1), and the case of one letter
    twice (the genes AA, Aa, aa).
    """
    text = word.strip()
    if len(text) == 2 and text[0].isalpha() and text[0].casefold() == text[1].casefold():
        return text
    inner = re.sub(r"(?<!\d)[\s._'-]+|[\s._'-]+(?!\d)", "", text.casefold())
    return "-" * text.startswith("-") + inner + "-" * text.endswith("-") or word


def _shortened(form: str) -> Sequence[str]:
    """Return a form and every form with one letter less; digits are never left out, and phrases stay whole."""
    if len(form) > LONGEST:
        return [form]
    return [form, *(form[:i] + form[i + 1 :] for i in range(len(form)) if not form[i].isdigit())]


def _near(word: str, known: Iterable[str]) -> str | None:
    """Return the first of the spellings that differs from the word by a slip."""
    return next((other for other in sorted(known) if _slip(word, other)), None)


def _slip(word: str, other: str) -> bool:
    """Return whether exactly one part differs, is long enough and begins alike: slips spare the first letter."""
    pairs = list(zip(*(re.split(r"[\s._'-]+", text.casefold()) for text in (word, other)), strict=False))
    differing = [(one, two) for one, two in pairs if one != two]
    if len(differing) != 1 or abs(len(word) - len(other)) > 1:
        return False
    one, two = differing[0]
    changed = len(one) == len(two) and sorted(one) != sorted(two)
    return one[:1] == two[:1] and max(len(one), len(two)) >= (SHORTEST_CHANGED if changed else SHORTEST)
