"""Several models behind one address: a share of the requests each, a copy of all of them, or a trial with a way back.

=========  ==================================================================================================
role       requests
=========  ==================================================================================================
main       what the others leave
split      its share (A/B)
canary     its share, until it fails or is slow where the main model is not: then none, see :class:`Canary`
shadow     a copy of each, answered by nobody: what it would have said is compared and counted
=========  ==================================================================================================

Which model answers is decided by the id of the request: the same id is answered by the same model.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from automl.deploy.batching import Batcher
from automl.deploy.served import Served
from automl.errors import UsageError

MAIN: Final = "main"
_LOG: Final = logging.getLogger(__name__)


class Role(StrEnum):
    """What a model gets of the requests."""

    MAIN = "main"
    SPLIT = "split"
    CANARY = "canary"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Variant:
    """A model beside the main one."""

    path: Path
    role: Role
    share: float = 1.0
    """Share of the requests that it gets."""

    @property
    def name(self) -> str:
        """How answers, metrics and logs call it."""
        return self.path.absolute().name

    @classmethod
    def parse(cls, text: str, role: Role) -> Variant:
        """Return the variant that ``PATH=SHARE`` names, or ``PATH`` for a shadow.

        Raises
        ------
        UsageError
            If the share is not between 0 and 1, or leaves nothing to compare a canary with.

        >>> Variant.parse("runs/new=0.1", Role.CANARY).share
        0.1
        """
        path, _, share = text.rpartition("=") if role is not Role.SHADOW else (text, "", "1")
        try:
            number = float(share)
        except ValueError:
            number = -1.0
        if not path or not 0 <= number <= 1:
            raise UsageError(f"--{'variant' if role is Role.SPLIT else role} must be PATH=SHARE such as b=0.1: {text}")
        if role is Role.CANARY and number == 1:
            raise UsageError(f"a canary is compared with the main model; leave that some of the requests: {text}")
        return cls(Path(path), role, number)


def check_variants(variants: Sequence[Variant]) -> None:
    """Raise a UsageError for variants that cannot be served together."""
    names = [MAIN, *(variant.name for variant in variants)]
    if len(set(names)) < len(names):
        raise UsageError(f"variants are called as their folders, which must differ: {', '.join(names)}")
    total = sum(variant.share for variant in variants if variant.role is not Role.SHADOW)
    if total > 1:
        raise UsageError(f"the shares of the variants are {total:g} together; they must be at most 1")


class Lane:
    """A model, its queue, and its share of the requests."""

    def __init__(self, name: str, path: Path, role: Role, share: float, served: Served) -> None:
        self.name = name
        self.path = path
        self.role = role
        self.batcher = Batcher(served, on_loop=role is not Role.SHADOW)
        self._share = share
        self._ended: str | None = None
        """The version whose share was ended."""

    @property
    def share(self) -> float:
        """Share of the requests that this version gets; the next one begins anew."""
        return 0.0 if self._ended == self.served.id else self._share

    def end_share(self) -> None:
        """Give this version no further requests."""
        self._ended = self.served.id

    @property
    def served(self) -> Served:
        """The version that answers now."""
        return self.batcher.served

    @served.setter
    def served(self, served: Served) -> None:
        self.batcher.served = served


def pick(lanes: Sequence[Lane], request_id: str) -> Lane:
    """Return the lane that answers a request; the first one is the main one."""
    drawn = int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=8).digest()) / 2**64
    for lane in lanes[1:]:
        if lane.role is Role.SHADOW:
            continue
        drawn -= lane.share
        if drawn < 0:
            return lane
    return lanes[0]


class Canary:
    """Compares the last answers of a canary with those of the main model, and ends its share if they are worse.

    Worse is: failing ``MORE_FAILURES`` more often, or a 90th percentile of the latency over twice that of the main
    model and ``SLACK`` seconds. Each worker decides for itself.
    """

    SEEN: Final = 50
    """Answers of both before anything is decided."""
    LAST: Final = 200
    MORE_FAILURES: Final = 0.05
    SLACK: Final = 0.01

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, deque[tuple[bool, float]]]] = {}
        """The version of each lane, and its last answers."""

    def note(self, lane: Lane, main: Lane, *, failed: bool, seconds: float) -> bool:
        """Note an answer of a lane; return whether that ended its share."""
        own, others = self._answers(lane), self._answers(main)
        own.append((failed, seconds))
        if lane.role is not Role.CANARY or not lane.share or min(len(own), len(others)) < self.SEEN:
            return False
        reason = self._worse(np.array(own), np.array(others))
        if reason is None:
            return False
        _LOG.warning("canary %s is rolled back: %s", lane.name, reason)
        lane.end_share()
        return True

    def _answers(self, lane: Lane) -> deque[tuple[bool, float]]:
        """Return the last answers of the version that a lane has now."""
        version, answers = self._seen.get(lane.name, ("", deque()))
        if version != lane.served.id:
            answers = deque(maxlen=self.LAST)
            self._seen[lane.name] = lane.served.id, answers
        return answers

    def _worse(self, own: np.ndarray, others: np.ndarray) -> str | None:
        failing, usual = own[:, 0].mean(), others[:, 0].mean()
        if failing > usual + self.MORE_FAILURES:
            return f"{failing:.0%} of its answers failed, {usual:.0%} of the main model's"
        slow, fast = np.quantile(own[:, 1], 0.9), np.quantile(others[:, 1], 0.9)
        if slow > 2 * fast + self.SLACK:
            return f"it takes {1000 * slow:.0f} ms (90th percentile), the main model {1000 * fast:.0f} ms"
        return None
