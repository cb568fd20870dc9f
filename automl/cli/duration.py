"""Times and sizes as people write them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final

from automl.config import LEAST_BUDGET, LEAST_MEMORY
from automl.errors import UsageError

_SECONDS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_MILLISECONDS: Final = {"": 1.0, "us": 0.001, "ms": 1.0, "s": 1000.0}
_BYTES: Final = {
    "": 1.0,
    "b": 1.0,
    **{f"{letter}{end}": 1000.0**power for power, letter in enumerate("kmgt", 1) for end in ("", "b")},
    **{f"{letter}ib": 1024.0**power for power, letter in enumerate("kmgt", 1)},
}


def parse_seconds(text: str) -> float:
    """Return the seconds of a time such as ``60s``, ``10m``, ``1.5h`` or ``90``.

    >>> parse_seconds("10m")
    600.0
    """
    return _parse(text, _SECONDS, "a time is a number with s, m, h or d, such as 10m")


def parse_budget(text: str | None, begun: float) -> float | None:
    """Return what is left of the time ``text`` in a command that began at ``begun`` on the monotonic clock.

    Loading the libraries takes the better part of a second. The least time of a run is left in any case.
    """
    if text is None:
        return None
    seconds = parse_seconds(text)
    return max(seconds - (time.monotonic() - begun), min(seconds, LEAST_BUDGET))


def parse_bytes(text: str) -> int:
    """Return the bytes of a size such as ``8GB``, ``512MiB`` or ``2000000000``.

    >>> parse_bytes("8GB")
    8000000000
    """
    return int(_parse(text, _BYTES, "a size is a number with KB, MB, GB or TB, such as 8GB"))


def parse_memory(text: str) -> int:
    """Return the bytes of memory that a run may take."""
    size = parse_bytes(text)
    if size < LEAST_MEMORY:
        raise UsageError(f"memory must be at least {LEAST_MEMORY / 1e6:g}MB, got {text!r}")
    return size


def parse_latency(text: str) -> float:
    """Return the milliseconds of a time such as ``0.2ms``, ``200us`` or ``0.2``.

    >>> parse_latency("200us")
    0.2
    """
    return _parse(text, _MILLISECONDS, "a latency is a number with us, ms or s, such as 0.2ms")


def clock(seconds: float) -> str:
    """Return a duration for people.

    >>> clock(7.3), clock(65), clock(7320)
    ('7s', '1m05s', '2h02m')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def _parse(text: str, units: Mapping[str, float], rule: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if match is None or match[2] not in units:
        raise UsageError(f"{rule}; got {text!r}")
    return float(match[1]) * units[match[2]]
