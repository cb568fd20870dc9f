"""How a model is served."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from automl.deploy.capture import CaptureOptions
from automl.deploy.limits import Limits
from automl.deploy.variants import Role, Variant, check_variants
from automl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many processes answer on a cluster, by how much they are asked."""

    least: int = 1
    most: int = 1

    @classmethod
    def parse(cls, text: str) -> Replicas:
        """Return the numbers that ``LEAST..MOST`` or one number names.

        Raises
        ------
        UsageError
            If they are no such numbers.

        >>> Replicas.parse("1..4"), Replicas.parse("2")
        (Replicas(least=1, most=4), Replicas(least=2, most=2))
        """
        least, _, most = text.partition("..")
        try:
            found = cls(int(least), int(most or least))
        except ValueError:
            found = cls(0, 0)
        if not 1 <= found.least <= found.most:
            raise UsageError(f"--replicas must be a number or LEAST..MOST such as 1..4, got {text!r}")
        return found


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Everything but the model and the address.

    Raises
    ------
    UsageError
        If an option has a value that makes no sense.
    """

    workers: int = 1
    """Processes that share the address."""
    limits: Limits = field(default_factory=Limits)
    """What each worker may hold at a time."""
    watch: float | None = None
    """Seconds after which to look for a new version, again and again; SIGHUP makes it look at once."""
    variants: tuple[Variant, ...] = ()
    capture: CaptureOptions | None = None
    trust: Path | None = None
    """PEM file of the key that must have signed every model, see :mod:`automl.signature`."""
    log: Literal["json", "none"] = "none"
    """A line for each request, on standard error."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers must be at least 1, got {self.workers}")
        if self.limits.timeout <= 0 or (self.watch is not None and self.watch <= 0):
            raise UsageError("timeout and watch are seconds and must be above 0")
        if self.capture and not 0 <= self.capture.share <= 1:
            raise UsageError(f"the share of the traffic to capture must be between 0 and 1, got {self.capture.share}")
        check_variants(self.variants)

    def absolute(self) -> ServeOptions:
        """Return the same with absolute paths, for processes that work in other folders."""
        capture = self.capture and replace(self.capture, folder=self.capture.folder.absolute())
        variants = tuple(replace(variant, path=variant.path.absolute()) for variant in self.variants)
        return replace(self, trust=self.trust and self.trust.absolute(), capture=capture, variants=variants)

    def to_json(self) -> str:
        """Return the options as a line of JSON."""
        return json.dumps(asdict(self), default=str)  # paths

    @classmethod
    def from_json(cls, text: str) -> ServeOptions:
        """Return the options that :meth:`to_json` told."""
        values = json.loads(text)
        capture = values["capture"]
        known = {
            "limits": Limits(**values["limits"]),
            "variants": tuple(
                Variant(Path(one["path"]), Role(one["role"]), one["share"]) for one in values["variants"]
            ),
            "capture": CaptureOptions(**capture | {"folder": Path(capture["folder"])}) if capture else None,
            "trust": Path(values["trust"]) if values["trust"] else None,
        }
        return cls(**values | known)
