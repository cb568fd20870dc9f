"""A point in time that every loop of the engine can ask about, also in another process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import Final


class DeadlinePassedError(Exception):
    """What was to be done would not end in time. What is finished stays."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the wall clock (seconds since the epoch); ``inf`` means never.

    The wall clock, not the monotonic one, because workers on other machines share it.

    >>> Deadline().passed
    False
    >>> 9 < Deadline.after(10).remaining <= 10
    True
    """

    at: float = inf

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the moment ``seconds`` from now."""
        return cls(time.time() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, negative once it has passed, ``inf`` if there is none."""
        return self.at - time.time()

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return self.at <= time.time()

    def earlier(self, seconds: float) -> Deadline:
        """Return the deadline moved ``seconds`` towards now."""
        return Deadline(self.at - seconds)

    def within(self, seconds: float) -> Deadline:
        """Return the earlier of this deadline and ``seconds`` from now."""
        return Deadline(min(self.at, time.time() + seconds))

    def share(self, parts: int) -> Deadline:
        """Return when the first of ``parts`` equal parts of the time left ends."""
        return self.within(self.remaining / parts)


NEVER: Final = Deadline()
"""The deadline that does not come."""
