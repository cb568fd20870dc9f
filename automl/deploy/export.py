"""Take a model out of its run: alone, as a project that serves it, or a candidate as a script that trains it again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final, Literal

from automl.archive import ENDING
from automl.artifact import copy, load
from automl.deploy.project import write_project
from automl.deploy.sagemaker import write_sagemaker
from automl.deploy.script import write_script
from automl.errors import AutoMLError, UsageError

Format = Literal["artifact", "endpoint", "sagemaker", "code"]
_FILES: Final = ("artifact", "sagemaker")
"""Formats that can be one file."""


def export(
    model: str | Path,
    to: Path,
    format: Format = "artifact",
    *,
    candidate: str | None = None,
    key: Path | None = None,
) -> Path:
    """Write a model to a new or empty folder, or to a new file that ends in ``.tar.gz``, and return its path.

    =============  ==============================================================================================
    ``artifact``   what :func:`automl.load` reads, a folder or a file
    ``endpoint``   a project around it: an application, pinned requirements, images, manifests, a README
    ``sagemaker``  a file, ``model.tar.gz``, with the model and ``code/inference.py``, for hosts of that contract
    ``code``       a script of plain libraries that trains a candidate of a run again and scores it on the same folds
    =============  ==============================================================================================

    Parameters
    ----------
    candidate
        For ``code``: which one, as the leaderboard names it; None = the best.
    key
        For all others: PEM file of an Ed25519 private key to sign the model with, see :mod:`automl.signature`.

    Raises
    ------
    ArtifactError
        If there is no sound model, or the copy is not.
    UsageError
        If the options do not go together.
    AutoMLError
        If there is something at that place, or this model cannot be written in this format.
    """
    if candidate is not None and format != "code":
        raise UsageError(f"a candidate is exported as code, not as {format}; add --format code")
    if key is not None and format == "code":
        raise UsageError("only a model can be signed, not code; leave out --sign")
    one_file = to.name.endswith(ENDING)
    if (one_file and format not in _FILES) or (format == "sagemaker" and not one_file):
        wanted = f"a file that ends in {ENDING}" if format == "sagemaker" else "a folder"
        raise UsageError(f"{format} is {wanted}, got {str(to)!r}; give another place")
    if to.exists() and (not to.is_dir() or one_file or any(to.iterdir())):
        raise AutoMLError(f"{to} exists and is not an empty folder; give another place")
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f".{os.getpid()}.{to.name}")
    try:
        match format:
            case "artifact":
                load(copy(load(model), partial, key=key))
            case "endpoint":
                write_project(load(model), partial, key)
            case "sagemaker":
                write_sagemaker(load(model), partial, key)
            case "code":
                write_script(Path(model), candidate, partial)
        partial.replace(to)
    finally:
        if partial.is_file():
            partial.unlink()
        shutil.rmtree(partial, ignore_errors=True)
    return to
