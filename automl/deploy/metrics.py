"""What the server counts, in the words of Prometheus.

Where several workers serve, they share their counts in files (``PROMETHEUS_MULTIPROC_DIR``, set before this process
began), and each of them tells the sums.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_REQUESTS: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one application."""

    def __init__(self) -> None:
        to = self._registry = CollectorRegistry()
        self.requests = Counter("automl_requests", "Answered requests.", ["path", "status"], registry=to)
        self.seconds = Histogram("automl_request_seconds", "Time to answer.", ["path"], registry=to, buckets=_SECONDS)
        self.rows = Counter("automl_rows", "Predicted rows.", ["variant"], registry=to)
        self.batch = Histogram("automl_batch_requests", "Predicted together.", registry=to, buckets=_REQUESTS)
        self.waiting = _gauge("automl_queue_length", "Requests that are, or wait to be, predicted.", to)
        self.in_flight = _gauge("automl_requests_in_flight", "Requests that are being answered.", to)
        self.models = _gauge("automl_model_info", "Workers that serve a model.", to, ["variant", "model"])
        self.reloads = Counter("automl_reloads", "New versions.", ["variant", "outcome"], registry=to)
        self.rollbacks = Counter("automl_canary_rollbacks", "Canaries whose share ended.", ["variant"], registry=to)
        self.shadows = Counter("automl_shadow_answers", "Beside others.", ["variant", "outcome"], registry=to)
        self.dropped = _gauge("automl_capture_dropped_requests", "Sampled, but not kept.", to)

    def render(self) -> bytes:
        """Return the text that Prometheus reads."""
        if DIRECTORY not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def _gauge(name: str, about: str, registry: CollectorRegistry, labels: Sequence[str] = ()) -> Gauge:
    """Return a gauge that is summed over the workers that live."""
    return Gauge(name, about, labels, registry=registry, multiprocess_mode="livesum")
