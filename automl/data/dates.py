"""Dates as people write them: ISO 8601, or one of the common orders, decided by the whole column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from unicodedata import combining, normalize

import numpy as np
from numpy.typing import NDArray

NOT_A_DATE: Final = np.datetime64("NaT", "us")
SAMPLE: Final = 500
MONTH_NAMES: Final = (
    "january januari januar janvier enero gennaio janeiro",
    "february februari februar février febrero febbraio fevereiro",
    "march mars märz marts marzo março maart mrt",
    "april avril abril aprile",
    "may mai maj mayo maggio maio mei",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august augusti août agosto augustus",
    "september septembre septiembre setiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre diciembre dicembre dezembro desember",
)
"""In English, German, French, Spanish, Italian, Portuguese, Dutch and the languages of Scandinavia."""
ZONES: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0),
    **{"CET": 1, "CEST": 2, "BST": 1, "WEST": 1, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "JST": 9, "AEST": 10},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AEDT": 11},
}
"""Hours before UTC; of names that several zones have, the commonest one."""
ZONE: Final = rf"{'|'.join(sorted(ZONES, key=len, reverse=True))}|(?:GMT|UTC)?[-+]\d{{2}}:?\d{{2}}|[-+]\d{{2}}"
PARTS: Final = {
    "%Y": r"(?P<Y>\d{4})",
    "%y": r"(?P<y>\d{2})",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})(?:st|nd|rd|th)?",
    "%b": r"(?P<b>[^\W\d_]{3,10})\.?",
    "%a": r"[^\W\d_]{2,10}\.?",
    "%H": r"(?P<H>\d{1,2})",
    "%I": r"(?P<H>\d{1,2})",
    "%M": r"(?P<M>\d{2})",
    "%S": r"(?P<S>\d{2})",
    "%f": r"(?P<f>\d{1,9})",
    "%p": r"(?P<p>[AaPp])\.? ?[Mm]\.?",
    "%z": rf"(?P<z>{ZONE})",
}
COMPACT: Final = "%Y%m%d"
DATES: Final = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d"),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %y", "%d/%b/%Y", "%d. %b %Y", "%d de %b de %Y", "%d %b, %Y"),
    *("%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%d%b%Y", "%Y年%m月%d日", "%Y. %m. %d."),
    *("%a, %d %b %Y", "%a, %b %d, %Y", "%a %b %d %Y", "%a %d %b %Y", "%a, %d. %b %Y"),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%H:%M:%S %d %b %Y", "%H:%M %d %b %Y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%b-%Y", "%b %Y", "%b-%y"),
    *(COMPACT + time for time in ("%H%M%S", "T%H%M%S", "%H%M", "T%H%M")),
)
DAYS: Final = 20
"""Where a date has two digits at both ends, the end with at least this many different numbers, twice as many as the
other has, is the day; else the layout is ambiguous."""
SHORTEST: Final = 6
"""Characters of the shortest date, ``1/1/24``."""
EARLIEST, LATEST = 1800, 2200
"""Years that most dates without a day lie in; ``9371-11`` is a code."""
NEVER: Final = np.datetime64("9999-01-01", "us")
"""From here on a date stands for no end, beside dates of our time."""
TIME: Final = re.compile(
    r"(?P<sep>[T:]|,? (?:at )?| - )\d{1,2}:\d{2}(?P<S>:\d{2})?(?P<f>\.\d{1,9})?(?P<gap> ?)(?P<p>[AaPp]\.? ?[Mm]\.?)?"
    rf"(?P<zone> ?)(?P<z>{ZONE})?$"
)
CLOCK: Final = re.compile(r"((?:[T:]|,? (?:at )?| - )%[HI]:%M)(:%S(?:\.%f)?)?( ?(?:%p)? ?(?:%z)?)$")
"""Ends a layout with a time of day."""


def _beginnings() -> dict[str, int]:
    """Return the month that three and more letters begin, which no other month does."""
    found: dict[str, set[int]] = {}
    for month, names in enumerate(MONTH_NAMES, 1):
        for name in (*names.split(), *_without_accents(names).split()):
            for length in range(3, len(name) + 1):
                found.setdefault(name[:length], set()).add(month)
    return {letters: months.pop() for letters, months in found.items() if len(months) == 1}


def _without_accents(text: str) -> str:
    return "".join(letter for letter in normalize("NFKD", text) if not combining(letter))


MONTHS: Final = _beginnings()


@lru_cache(maxsize=64)
def _pattern(layout: str) -> re.Pattern[str]:
    """Return what a date of a layout looks like; the seconds, and the time of day, behind it may be missing."""
    if layout.startswith(COMPACT):  # without separators the parts need their full width
        return re.compile(_expression(layout).replace("{1,2}", "{2}"))
    clock = CLOCK.search(layout)
    if clock is None:
        return re.compile(_expression(layout))
    time, seconds, zone = (_expression(part) for part in clock.groups(default=""))
    return re.compile(f"{_expression(layout[: clock.start()])}(?:{time}(?:{seconds})?{zone})?")


def _expression(layout: str) -> str:
    return "".join(PARTS.get(piece, re.escape(piece)) for piece in re.split(r"(%[A-Za-z])", layout))


def parse_dates(values: Sequence[str], layout: str | None) -> NDArray[np.datetime64]:
    """Return each value as ``datetime64[us]``, NaT where it is no date; a time zone is turned to UTC.

    ``layout`` is a strptime format, None for ISO 8601. A value that does not have it is tried as ISO 8601.

    >>> parse_dates(["13/01/2024", "2015-09-01 02:00:00+02:00", "x"], "%d/%m/%Y").astype(str).tolist()
    ['2024-01-13T00:00:00.000000', '2015-09-01T00:00:00.000000', 'NaT']
    """
    read = [(_match(value, layout) if layout else None) or _iso(value) for value in map(_tidy, values)]
    return np.array(read, dtype="datetime64[us]")


def is_layout(layout: str) -> bool:
    """Return whether a text is a format that dates can be read by: it names a year and a month, nothing twice.

    >>> is_layout("%d.%m.%Y %H:%M"), is_layout("dd.mm.yyyy"), is_layout("%m/%d")
    (True, False, False)
    """
    parts = re.findall(r"%.", layout)
    known = set(parts)
    return known <= PARTS.keys() and len(known) == len(parts) and bool(known & {"%Y", "%y"} and known & {"%m", "%b"})


def _tidy(value: str) -> str:
    """Return a text with nothing but single blanks; some programs write ``3:15 PM`` with a narrow one."""
    return " ".join(value.split())


def _iso(value: str) -> datetime | None:
    if len(value) < 10 or (value[4] != "-" and value[8] != "T"):
        return None
    try:
        moment = datetime.fromisoformat(value.removesuffix(" UTC"))
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _match(value: str, layout: str) -> datetime | None:
    match = _pattern(layout).fullmatch(value)
    if match is None:
        return None
    part = match.groupdict()
    year = int(part["Y"]) if "Y" in part else _century(int(part["y"]))
    month = MONTHS.get(part["b"].lower(), 0) if "b" in part else int(part["m"])
    hour = int(part.get("H") or 0)
    if part.get("p"):
        hour = hour % 12 + (12 if part["p"] in "Pp" else 0)
    micro = int((part.get("f") or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(
            year, month, int(part.get("d") or 1), hour, int(part.get("M") or 0), int(part.get("S") or 0), micro
        )
        return moment - _offset(part["z"]) if part.get("z") else moment
    except (ValueError, OverflowError):
        return None


def _century(year: int) -> int:
    """Read two digits as POSIX does: 69 to 99 are of the last century."""
    return year + (1900 if year >= 69 else 2000)


def _offset(zone: str) -> timedelta:
    if zone in ZONES:
        return timedelta(hours=ZONES[zone])
    digits = re.sub(r"\D", "", zone).ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timedelta(minutes=-minutes if "-" in zone else minutes)


class DateLayout(NamedTuple):
    """How the dates of a column are written."""

    format: str | None
    """The strptime format; None = ISO 8601."""
    ambiguous: bool = False
    """Whether day and month, or a day and a year of two digits, could be swapped: no value tells them apart."""


def date_layout(values: Sequence[str]) -> DateLayout | None:
    """Return the layout that reads most of the values, or None if most of them are no dates.

    If day and month are never told apart, the month comes first with slashes, the day with dots and dashes; but one
    that never changes, as the first of every month, is the day. Of two digits at both ends those that vary less are the
    year.

    >>> date_layout(["01/02/2024", "13/01/2024"]), date_layout(["a", "b"])
    (DateLayout(format='%d/%m/%Y', ambiguous=False), None)
    """
    sample = [_tidy(value) for value in values[:: max(1, len(values) // SAMPLE)]]
    enough = len(sample) / 2
    others = [value for value in sample if _iso(value) is None]
    iso = len(sample) - len(others)
    shown = [*others[:20], *[value for value in others[20:] if ":" in value][:5]]  # few may have a time of day
    layouts = _layouts([value for value in shown if len(value) >= SHORTEST])
    read = {layout: _readable(sample, layout) for layout in layouts if _readable(shown, layout)}
    best = max(read.values(), default=0)
    if best <= max(iso, enough):
        return DateLayout(None) if iso > enough else None
    winners = [layout for layout, count in read.items() if count == best]
    if len({layout.startswith("%y") for layout in winners}) > 1:
        first, last = _different(others, 0), _different(others, 2)
        winners = [layout for layout in winners if layout.startswith("%y") == (first < last)]
        few, many = sorted((first, last))
        if many < max(DAYS, 2 * few):
            return DateLayout(winners[0], ambiguous=True)
    swapped = len(winners) > 1 and winners[0][:2] != winners[1][:2] and {"%d", "%m"} == {w[:2] for w in winners[:2]}
    if swapped and len(sample) < len(values):  # one day after the 12th in the whole column is enough
        read = {layout: _readable(values, layout) for layout in winners[:2]}
        winners.sort(key=lambda layout: -read.get(layout, 0))
        swapped = len(set(read.values())) == 1
    if swapped:
        first, second = _different(values, 0), _different(values, 1)
        if min(first, second) == 1 and max(first, second) > 2:
            winners.sort(key=lambda layout: layout.startswith("%d") != (first == 1))
            swapped = False
    return DateLayout(winners[0], swapped)


def _layouts(sample: Sequence[str]) -> list[str]:
    """Return what dates may be written like that end as these do."""
    times = _times(sample)
    timed = [date for date in DATES if "%H" not in date] + [COMPACT]
    return [date + time for time in times for date in (timed if time else DATES)]


def _different(values: Sequence[str], place: int) -> int:
    """Return how many different numbers stand at a place of dates in digits."""
    parts = [numbers for value in values if len(numbers := re.findall(r"\d+", value)) > 2]
    return len({numbers[place] for numbers in parts})


def swapped(layout: str) -> str:
    """Return a layout with day and month in each other's place.

    >>> swapped("%m/%d/%Y %H:%M")
    '%d/%m/%Y %H:%M'
    """
    return re.sub("%[dm]", lambda part: {"%d": "%m", "%m": "%d"}[part[0]], layout)


def telling_date(values: Sequence[str], layout: str) -> str | None:
    """Return a value that shows which of two numbers is the day, if a layout begins with day and month as numbers.

    >>> telling_date(["01/02/2024", "13/01/2024"], "%d/%m/%Y"), telling_date(["13 May 2024"], "%d %b %Y")
    ('13/01/2024', None)
    """
    if {layout[:2], layout[3:5]} != {"%d", "%m"}:
        return None
    return next((value for value in values if _beyond_months(value) and _match(value, layout)), None)


def are_codes(dates: NDArray[np.datetime64], layout: str | None) -> bool:
    """Return whether what reads as dates without a day is none: most not of our time, or all a season.

    >>> [are_codes(parse_dates(["2006-07", last], "%Y-%m"), "%Y-%m") for last in ("2010-11", "2010-12")]
    [True, False]
    """
    if layout is None or "%d" in layout:
        return False
    months = dates[~np.isnat(dates)].astype("datetime64[M]").astype(np.int64)
    years, month = months // 12 + 1970, months % 12 + 1
    seasons = layout.startswith("%Y") and bool((month == (years + 1) % 100).all())
    return seasons or bool(np.median(years) < EARLIEST or np.median(years) > LATEST)


def _beyond_months(value: str) -> bool:
    return any(int(number) > 12 for number in re.findall(r"\d+", value)[:2])


def _readable(sample: Sequence[str], layout: str | None) -> int:
    return int((~np.isnat(parse_dates(sample, layout))).sum())


def _times(sample: Sequence[str]) -> list[str]:
    """Return the formats of the time of day behind the dates, an empty one where there is none."""
    found: dict[str, None] = {}
    for value in sample:
        match = TIME.search(value)
        if match is None:
            found[""] = None
            continue
        clock = match["sep"] + ("%I" if match["p"] else "%H") + ":%M"
        clock += (":%S" if match["S"] else "") + (".%f" if match["f"] else "")
        clock += match["gap"] + "%p" if match["p"] else ""
        zone = match["gap"] * (not match["p"]) + match["zone"] + "%z"
        found[clock + (zone if match["z"] else "")] = None
    return list(found)
