"""``automl doctor``: what this machine has and lacks."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from json import dumps
from shutil import which
from typing import Final

import typer

from automl.cli.options import Json

_LOADED: Final = ("numpy", "pandas", "sklearn", "lightgbm", "xgboost", "catboost", "duckdb", "ray.tune")
"""Libraries with compiled parts, which can be installed and fail to load."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table."""

    name: str
    value: str
    ok: bool = True


def doctor(json: Json = False) -> None:
    """Show versions, cores, memory, GPUs and what is missing; exit with 1 if something is broken."""
    checks = [*_machine(), *_packages(), *_loading()]
    if json:
        print(dumps([asdict(check) for check in checks]))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<{width}}  {check.value}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def _machine() -> Iterator[Check]:
    import psutil

    from automl.config import FitConfig
    from automl.tuning.budget import free_memory

    yield Check("automl", metadata.version("automl"))
    yield Check("python", f"{platform.python_version()} ({sys.executable})")
    yield Check("platform", platform.platform())
    yield Check("cores", f"{FitConfig().cores} of {os.cpu_count()} may be used")
    total = psutil.virtual_memory().total
    yield Check("memory", f"{free_memory() / 1e9:.1f} of {total / 1e9:.1f} GB are free")
    yield Check("gpu", _gpus())


def _gpus() -> str:
    program = which("nvidia-smi")
    if program is None:
        return "none (no nvidia-smi)"
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    result = subprocess.run(query, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed query
    names = "; ".join(result.stdout.strip().splitlines())
    return names if result.returncode == 0 and names else "none (nvidia-smi finds no device)"


def _packages() -> Iterator[Check]:
    """Check that what the package requires is installed; what an extra requires may be missing."""
    extras: dict[str, list[str]] = {}
    for requirement in metadata.requires("automl") or ():
        found = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", requirement)
        name = found[0] if found else requirement
        version = _version(name)
        if extra is None:
            yield Check(name, version or "missing; install automl again", version is not None)
        elif version is None:
            extras.setdefault(extra[1], []).append(name)
    for extra_name, missing in extras.items():
        yield Check(f"extra {extra_name}", f"not installed: {', '.join(missing)}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _loading(names: Sequence[str] = _LOADED) -> Iterator[Check]:
    for name in names:
        try:
            import_module(name)
        except Exception as error:  # a broken library may raise anything
            yield Check(f"import {name}", " ".join(f"{type(error).__name__}: {error}".split()), ok=False)
        else:
            yield Check(f"import {name}", "loads")
