"""What serves a model: the sources of this package, and the versions of what it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import automl
from automl.errors import AutoMLError
from automl.models.registry import get_family
from automl.predictor import Predictor


def copy_sources(predictor: Predictor, to: Path) -> None:
    """Copy this package into a new folder.

    Raises
    ------
    AutoMLError
        If the model needs a family that is not in this package.
    """
    for name in {member["family"] for member in predictor.manifest["members"]}:
        home = type(get_family(name)).__module__
        if home.partition(".")[0] != automl.__name__:
            raise AutoMLError(
                f"family {name!r} is defined in {home}, which an export cannot carry; export an artifact instead"
            )
    shutil.copytree(Path(automl.__file__).parent, to / "automl", ignore=shutil.ignore_patterns("__pycache__"))


def pins(sources: Path, model: Path, way: Literal["server", "hosting"]) -> dict[str, str]:
    """Serve the model from the copied sources once, and return the versions of what was needed for it."""
    probe = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", "automl.deploy.pins", model.absolute(), way],
        env=os.environ | {"PYTHONPATH": str(sources.absolute()), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        reason = probe.stderr.strip().rpartition("\n")[2]
        raise AutoMLError(f"the exported model does not start: {reason}; run `automl doctor`")
    versions: dict[str, str] = json.loads(probe.stdout)
    return versions
