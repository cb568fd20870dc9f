"""A project that serves a model: everything that is needed to start it elsewhere."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

import automl
from automl.artifact import copy
from automl.deploy.answers import WRITERS
from automl.deploy.openapi import example_request
from automl.deploy.served import PREDICTIONS, Served
from automl.deploy.sources import copy_sources, pins
from automl.deploy.template import render
from automl.predictor import Predictor

_FILES: Final = {
    "app.py.jinja": "app.py",
    "ray_app.py.jinja": "ray_app.py",
    "ray.yaml.jinja": "ray.yaml",
    "requirements.txt.jinja": "requirements.txt",
    "requirements-ray.txt.jinja": "requirements-ray.txt",
    "smoke_test.py": "smoke_test.py",
    "load_test.py": "load_test.py",
    "Dockerfile.jinja": "Dockerfile",
    "dockerignore.jinja": ".dockerignore",
    "compose.yaml.jinja": "compose.yaml",
    "kubernetes.yaml.jinja": "kubernetes.yaml",
    "README.md.jinja": "README.md",
    "pyproject.toml.jinja": "automl-src/pyproject.toml",
}
"""Templates, and what they become."""


def write_project(predictor: Predictor, to: Path, key: Path | None) -> None:
    """Write a project into a new folder: an application, pinned requirements, images, manifests, a README.

    The model is signed if there is a ``key``.

    Raises
    ------
    AutoMLError
        If the model needs a family that is not in this package, or does not start.
    """
    copy(predictor, to / "model", key=key)
    sources = to / "automl-src"
    copy_sources(predictor, sources)
    facts = {
        "pins": pins(sources, to / "model", "server"),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "version": automl.__version__,
        "ray": version("ray"),
    }
    for template, name in _FILES.items():
        (to / name).write_text(render("endpoint", template, facts), encoding="utf-8")
    request = example_request(predictor)
    answer = WRITERS["application/json"](Served.warm(predictor).answer(request["rows"], PREDICTIONS))
    for name, body in {"example_request": request, "example_answer": json.loads(answer)}.items():
        text = json.dumps(body, indent=2, ensure_ascii=False)
        (to / f"{name}.json").write_text(text + "\n", encoding="utf-8")
