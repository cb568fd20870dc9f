"""Take a predictor out of its run: alone, or as a project that serves it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Literal

import automl
from automl.artifact import copy, load
from automl.deploy.openapi import example_request
from automl.errors import AutoMLError
from automl.models.registry import get_family
from automl.predictor import Predictor

_TEMPLATES: Final = Path(__file__).parent / "endpoint"
_FILES: Final = {
    "app.py.jinja": "app.py",
    "requirements.txt.jinja": "requirements.txt",
    "Dockerfile.jinja": "Dockerfile",
    "dockerignore.jinja": ".dockerignore",
    "README.md.jinja": "README.md",
    "pyproject.toml.jinja": "automl-src/pyproject.toml",
}


def export(model: str | Path, to: Path, format: Literal["artifact", "endpoint"] = "artifact") -> Path:
    """Write a model to a new or empty folder, or to a new file, and return its path.

    ``artifact`` is what :func:`automl.load` reads: a folder, or one file if ``to`` ends in ``.tar.gz``. ``endpoint``
    is a project around it: an application, pinned requirements, a Dockerfile and a README that starts it; it holds the
    sources of automl.

    Raises
    ------
    ArtifactError
        If there is no sound model, or the copy is not.
    AutoMLError
        If there is something at that place, or an endpoint cannot be made of this model.
    """
    predictor = load(model)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise AutoMLError(f"{to} exists and is not an empty folder; give another place")
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f".{os.getpid()}.{to.name}")
    try:
        if format == "artifact":
            load(copy(predictor, partial))
        else:
            _write_endpoint(predictor, partial)
        partial.replace(to)
    finally:
        if partial.is_file():
            partial.unlink()
        shutil.rmtree(partial, ignore_errors=True)
    return to


def _write_endpoint(predictor: Predictor, to: Path) -> None:
    _refuse_foreign_families(predictor)
    copy(predictor, to / "model")
    sources = to / "automl-src"
    shutil.copytree(Path(automl.__file__).parent, sources / "automl", ignore=shutil.ignore_patterns("__pycache__"))
    facts = {
        "pins": _pins(sources, to / "model"),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "version": automl.__version__,
    }
    for template, name in _FILES.items():
        (to / name).write_text(_render(template, facts), encoding="utf-8")
    request = json.dumps(example_request(predictor), indent=2, ensure_ascii=False)
    (to / "example_request.json").write_text(request + "\n", encoding="utf-8")


def _refuse_foreign_families(predictor: Predictor) -> None:
    """A project can only carry families whose sources are in this package."""
    for name in {member["family"] for member in predictor.manifest["members"]}:
        home = type(get_family(name)).__module__
        if home.partition(".")[0] != automl.__name__:
            raise AutoMLError(
                f"family {name!r} is defined in {home}, which an endpoint cannot carry; export an artifact instead"
            )


def _pins(sources: Path, model: Path) -> dict[str, str]:
    """Serve the model from the copied sources once, and return what was needed for it."""
    probe = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "automl.deploy.pins", model.absolute()],
        env=os.environ | {"PYTHONPATH": str(sources.absolute()), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        reason = probe.stderr.strip().rpartition("\n")[2]
        raise AutoMLError(f"the exported model does not start: {reason}; run `automl doctor`")
    pins: dict[str, str] = json.loads(probe.stdout)
    return pins


def _render(template: str, facts: dict[str, Any]) -> str:
    """Fill in a template. Facts are versions and names of libraries: nothing from the data gets into code."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - not HTML
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template).render(facts)
