"""What an insight is: a name, a look at a profile, and what it finds there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from automl.errors import option
from automl.profile.record import ColumnProfile, LookAlike, Profile

SHOWN: Final = 3
"""Names that are written out; the others are counted."""


class Severity(StrEnum):
    """How much a finding can cost."""

    HIGH = "high"
    """Scores or models may be worthless."""
    MEDIUM = "medium"
    """Models lose, or a decision of the owner is needed."""
    LOW = "low"
    """Good to know; the engine deals with it."""

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return list(Severity).index(self)


class Seen(NamedTuple):
    """What a look at a profile has seen."""

    severity: Severity
    columns: tuple[str, ...]
    evidence: str
    """One sentence with figures, without a full stop."""
    fix: str
    """What to do about it, likewise; options and code in backticks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the owner of a table should know.

    >>> Finding("duplicate_rows", "Duplicate rows", Severity.MEDIUM, (), "3 rows repeat others", "drop them").message
    '3 rows repeat others; drop them'
    """

    insight: str
    title: str
    severity: Severity
    columns: tuple[str, ...]
    evidence: str
    fix: str

    @property
    def message(self) -> str:
        """The evidence and what to do about it, in one line."""
        return f"{self.evidence}; {self.fix}".replace("`", "")


@dataclass(frozen=True, slots=True)
class Insight:
    """One thing that can be wrong with a table."""

    name: str
    title: str
    look: Callable[[Profile], Iterable[Seen]]
    in_fit: bool = False
    """Whether ``fit`` warns of it."""

    def findings(self, profile: Profile) -> Iterator[Finding]:
        """Yield what there is to say, usually nothing."""
        for seen in self.look(profile):
            yield Finding(self.name, self.title, *seen)


def listed(names: Sequence[str]) -> str:
    """Return quoted names for a sentence, the first ones of many.

    >>> listed(["a", "b"]), listed(list("abcdef"))
    ("'a' and 'b'", "'a', 'b', 'c' and 3 more")
    """
    shown = [repr(name) for name in names[:SHOWN]]
    if len(names) > SHOWN:
        shown.append(f"{len(names) - SHOWN} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'s'[: count - 1]}"


def share(part: float, whole: float) -> str:
    """Return a share in percent that is never rounded to nothing or to all.

    >>> share(1, 3), share(1, 10**6), share(0, 5), share(999_999, 10**6)
    ('33.3 %', '< 0.1 %', '0 %', '> 99.9 %')
    """
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if 0 < percent < 100 else f"{percent:.0f} %"


def chance(p_value: float) -> str:
    """Return a probability that is never written smaller than it can be known.

    >>> chance(0.0371), chance(1e-300)
    ('0.04', '< 1e-9')
    """
    return "< 1e-9" if p_value < 1e-9 else f"{p_value:.1g}"


def spellings(pairs: Sequence[LookAlike]) -> str:
    """Return which values are written in two ways.

    >>> spellings([LookAlike("yse", "yes", 2), LookAlike("Yes", "yes", 9)])
    "'yse' beside 'yes', 'Yes' beside 'yes'"
    """
    said = ", ".join(f"{pair.rare[:40]!r} beside {pair.frequent[:40]!r}" for pair in pairs[:SHOWN])
    return said + (f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else "")


def one_spelling(pairs: Sequence[LookAlike], rows: int) -> str:
    """Return the way out of values that are written in two ways."""
    changed = sum(pair.count for pair in pairs)
    return f"write each in one way ({counted(changed, 'cell')} to change, {share(changed, rows)})"


def code(name: str, value: object = None) -> str:
    """Return an option for the text of a finding, see :func:`automl.errors.option`.

    >>> code("types", {"zip": "text"})
    "`types={'zip': 'text'}`"
    """
    return f"`{option(name, value)}`"


def together(severity: Severity, columns: Iterable[ColumnProfile], evidence: str, fix: str) -> Iterator[Seen]:
    """Yield one finding for all columns that have something in common; ``{columns}`` in the texts stands for them."""
    names = tuple(column.name for column in columns)
    if names:
        said = evidence.replace("{columns}", listed(names)).replace("{s}", "" if names[1:] else "s")
        yield Seen(severity, names, said, fix)
