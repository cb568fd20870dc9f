"""A project that serves a model: everything that is needed to start it elsewhere."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Final

import automl
from automl.artifact import copy
from automl.deploy.openapi import example_request
from automl.deploy.sources import copy_sources, pins
from automl.deploy.template import render
from automl.predictor import Predictor

_FILES: Final = {
    "app.py.jinja": "app.py",
    "requirements.txt.jinja": "requirements.txt",
    "Dockerfile.jinja": "Dockerfile",
    "dockerignore.jinja": ".dockerignore",
    "README.md.jinja": "README.md",
    "pyproject.toml.jinja": "automl-src/pyproject.toml",
}
"""Templates, and what they become."""


def write_project(predictor: Predictor, to: Path) -> None:
    """Write a project into a new folder: an application, pinned requirements, images, manifests, a README.

    Raises
    ------
    AutoMLError
        If the model needs a family that is not in this package, or does not start.
    """
    copy(predictor, to / "model")
    sources = to / "automl-src"
    copy_sources(predictor, sources)
    facts = {
        "pins": pins(sources, to / "model", "server"),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "version": automl.__version__,
    }
    for template, name in _FILES.items():
        (to / name).write_text(render("endpoint", template, facts), encoding="utf-8")
    request = json.dumps(example_request(predictor), indent=2, ensure_ascii=False)
    (to / "example_request.json").write_text(request + "\n", encoding="utf-8")
