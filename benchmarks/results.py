"""The file of results: one JSON line a run, only ever appended to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read(files: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the results of all files that exist; a last line that was cut off is left out."""
    found = []
    for file in files:
        if not file.exists():
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the comparison was stopped while it wrote
    return found


def append(file: Path, result: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = file.read_bytes() if file.exists() else b""
    cut = b"\n" if content and not content.endswith(b"\n") else b""
    with file.open("ab") as stream:
        stream.write(cut + json.dumps(result).encode() + b"\n")
