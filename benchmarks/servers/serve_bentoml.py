"""BentoML with its batching."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bentoml
from trees import Trees

FOLDER = "TREES"
"""The environment variable that says where they are."""


@bentoml.service(workers=1)
class Predictions:
    def __init__(self) -> None:
        self._trees = Trees(os.environ[FOLDER])

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: list[dict[str, Any]]) -> list[float]:
        return self._trees.predict(rows)


if __name__ == "__main__":
    os.environ[FOLDER] = str(Path(sys.argv[1]) / "trees")
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    os.chdir(Path(__file__).parent)
    serve = ["-m", "bentoml", "serve", f"{Path(__file__).stem}:Predictions", "-p", sys.argv[2], "--host", "127.0.0.1"]
    os.execv(sys.executable, [sys.executable, *serve])
