"""Times of day and durations as people write them: ``9:15 PM``, ``1:02:03.5``, ``2h 50m``, ``1 year, 3 months``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MINUS: Final = ("-", "−")
TIME: Final = re.compile(
    r"([-+−]?)(?:(\d+) days?,? \+?)?(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?(?: ?([AaPp])\.?[Mm]\.?)?"
)
SPANS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * 86400.0),
    **dict.fromkeys(("mo", "mon", "mons", "mos", "month", "months"), 365.25 / 12 * 86400.0),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 365.25 * 86400.0),
}
"""Seconds in the units of durations."""
SPAN: Final = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(sorted(SPANS, key=len, reverse=True))})\.?(?![a-z])", re.I)
LASTING: Final = re.compile(rf"[-−]?(?:{SPAN.pattern}(?:,? (?:and )?)?){{1,6}}", re.I)
"""``2h 50m``, ``1 year, 3 months``."""


def seconds(value: str) -> float | None:
    """Read ``10:30``, ``1:02:03.5``, ``9:15 PM``, ``2h 50m``, and durations as pandas and Python write them.

    In seconds; None if it is none of these.

    >>> seconds("9:15 PM"), seconds("2h 50m"), seconds("-1 days +23:00:00"), seconds("soon")
    (76500.0, 10200.0, -3600.0, None)
    """
    match = TIME.fullmatch(value)
    if match is None:
        if not LASTING.fullmatch(value):
            return None
        lasting = sum(float(number) * SPANS[unit.lower()] for number, unit in SPAN.findall(value))
        return -lasting if value[0] in MINUS else lasting
    sign, days, hours, minutes, parts, half = match.groups()
    hour = int(hours) if half is None else int(hours) % 12 + 12 * (half in "Pp")
    clock = 3600.0 * hour + 60.0 * int(minutes) + float(parts or 0)
    negative = sign in MINUS
    if days is None:
        return -clock if negative else clock
    return 86400.0 * int(days) * (-1.0 if negative else 1.0) + clock  # -1 day + 23:00:00 is an hour


def are_times(sample: Sequence[str]) -> bool:
    """Return whether most values are times of day, or durations that are written so."""
    return 2 * sum(TIME.fullmatch(value) is not None for value in sample) > len(sample)


def are_durations(sample: Sequence[str]) -> bool:
    """Return whether most values are durations, some of several parts or in several units: else ``m`` may be metres."""
    found = [SPAN.findall(value) for value in sample if LASTING.fullmatch(value)]
    units = {SPANS[unit.lower()] for parts in found for _, unit in parts if len(unit) > 2}
    return 2 * len(found) > len(sample) and (len(units) > 1 or any(len(parts) > 1 for parts in found))
