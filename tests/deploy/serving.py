"""Servers as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SERVE = "import sys; from automl.deploy.server import serve; serve(sys.argv[1], sys.argv[2], 0)"


@contextmanager
def started(
    *command: str | Path, python: str | Path = sys.executable, environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], IO[str], str]]:
    """Run a server until the block ends; give its process, its stderr and the address it says it listens on."""
    process = subprocess.Popen([python, *command], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert line.startswith("listening on "), line + process.stderr.read()
        yield process, process.stderr, line.removeprefix("listening on ").strip()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
