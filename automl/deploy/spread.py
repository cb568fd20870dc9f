"""Batches of a table, predicted by the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import ray
from ray.exceptions import RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from automl.artifact import load, seals
from automl.config import FitConfig, ReadOptions
from automl.data.batches import Batch
from automl.deploy.answer_table import BatchAnswer, BatchPredictor
from automl.deploy.cluster import joined
from automl.errors import AutoMLError
from automl.predictor import Predictor

_TRIES: Final = 3
"""For a batch whose machine dies."""
_EACH: Final = 2
"""Batches that are held for a machine: one that it answers, one that waits."""


@contextmanager
def spread(predictor: BatchPredictor, options: ReadOptions, address: str | None) -> Iterator[Cluster]:
    """Have every machine of a cluster answer batches; each is sent the model once, and uses all its cores."""
    with joined(address, FitConfig().cores):
        known: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        able = [node["NodeID"] for node in known if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        places: list[Any] = [NodeAffinitySchedulingStrategy(node, soft=True) for node in able]
        remote = ray.remote(_Machine)
        machines = [
            remote.options(
                num_cpus=1,
                max_restarts=_TRIES,
                max_task_retries=_TRIES,
                scheduling_strategy=place,
            ).remote()
            for place in places or ["DEFAULT"]  # a cluster at rest starts a machine when something waits for one
        ]
        job = _Job(ray.put(_files(predictor.model)), (predictor.keep, predictor.proba, predictor.interval), options)
        yield Cluster(_EACH * len(machines), cycle(machines), job)


@dataclass(frozen=True, slots=True)
class _Job:
    """What all batches have in common."""

    files: Any
    """Reference to the files of the model."""
    asked: tuple[Sequence[str], bool, float | None]
    options: ReadOptions


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """Machines that answer batches in turn."""

    ahead: int
    machines: Iterator[Any]
    job: _Job

    def ask(self, batch: Batch, *, isolate: bool) -> Callable[[], BatchAnswer]:
        """Send a batch, without the columns that are kept here; see :class:`~automl.deploy.answer_table.Engine`."""
        answered = next(self.machines).answer.remote(self.job, replace(batch, kept=None), isolate)

        def wait() -> BatchAnswer:
            try:
                found: BatchAnswer = ray.get(answered)
            except RayTaskError as error:
                raise error.cause from None
            except RayActorError as error:
                reason = str(error).partition("\n")[0]
                raise AutoMLError(f"machines of the cluster failed ({reason}); the same command goes on") from error
            return found

        return wait


class _Machine:
    """What answers on another machine; it may die, and begin anew elsewhere."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="automl-")
        self._predictor: BatchPredictor | None = None

    def answer(self, job: _Job, batch: Batch, isolate: bool) -> BatchAnswer:
        if self._predictor is None:
            self._predictor = BatchPredictor.of(self._loaded(ray.get(job.files)), *job.asked)
        return self._predictor.answer(batch, job.options, isolate=isolate)

    def _loaded(self, files: Mapping[str, bytes]) -> Predictor:
        for name, content in files.items():
            place = Path(self._folder.name, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return load(self._folder.name)


def _files(model: Predictor) -> dict[str, bytes]:
    names = [*model.manifest["files"], *seals(model)]
    return {name: (model.folder / name).read_bytes() for name in names}
