"""A candidate: a family with its hyperparameters, and where the idea came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from automl.models.base import Params

Origin = Literal["baseline", "preview", "portfolio", "search"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a trial trains. Equal family and hyperparameters are the same candidate, in this run and after a resume.

    >>> Candidate("knn", {"k": 5}, "portfolio").id == Candidate("knn", {"k": 5}, "search", 7).id
    True
    """

    family: str
    params: Params
    origin: Origin
    index: int = 0
    """Place in the order of proposals; ties are broken by it, so that a result does not depend on arrival order."""

    @property
    def id(self) -> str:
        """Name in the run folder, such as ``lightgbm-1a2b3c4d``."""
        text = json.dumps(dict(self.params), sort_keys=True)
        return f"{self.family}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def races(self) -> bool:
        """Whether a scheduler may stop it for being worse than others: only what was searched."""
        return self.origin == "search"

    def to_json(self) -> dict[str, Any]:
        """Return the candidate as JSON values."""
        return {"family": self.family, "params": dict(self.params), "origin": self.origin, "index": self.index}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Candidate:
        """Read what :meth:`to_json` wrote."""
        return cls(values["family"], dict(values["params"]), values["origin"], values["index"])
