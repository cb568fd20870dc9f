"""Who may ask: API keys from the environment."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from typing import Final

from automl.errors import UsageError

VARIABLE: Final = "AUTOML_API_KEYS"
"""Comma-separated."""
OPEN_PATHS: Final = frozenset({"/ping", "/health", "/v2/health/live", "/v2/health/ready"})
"""Hosts ask these without a key."""


class Keys:
    """The keys that are known; without any, everybody may ask.

    >>> keys = Keys(["s3cret"])
    >>> keys.allow("/predict", {"authorization": "Bearer s3cret"}), keys.allow("/predict", {}), keys.allow("/ping", {})
    (True, False, True)
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key.strip()) for key in keys if key.strip()]

    @classmethod
    def from_environment(cls) -> Keys:
        """Return the keys in ``AUTOML_API_KEYS``.

        Raises
        ------
        UsageError
            If it is not empty and names none: then something went wrong, and nobody may come in.
        """
        given = os.environ.get(VARIABLE, "")
        found = cls(given.split(","))
        if given and not found:
            raise UsageError(f"{VARIABLE} is {given!r}, which names no key; name one, or unset it to let everybody ask")
        return found

    def __bool__(self) -> bool:
        return bool(self._digests)

    def allow(self, path: str, headers: Mapping[str, str]) -> bool:
        """Return whether a request may be answered: its headers, named in lower case, hold a known key."""
        if not self._digests or path in OPEN_PATHS:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""  # a gateway may add one of its own
        given = [_digest(key) for key in (bearer, headers.get("x-api-key", ""))]
        # Every key is compared, each in constant time: how long it takes tells nothing.
        return sum(hmac.compare_digest(each, known) for each in given for known in self._digests) > 0


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
