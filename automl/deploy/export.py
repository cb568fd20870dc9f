"""Take a model out of its run: alone, as a project that serves it, or a candidate as a script that trains it again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from automl.archive import ENDING, partial_place, settle
from automl.artifact import copy, load, require_free
from automl.deploy.onnx.write import write_onnx
from automl.deploy.output import writing_to
from automl.deploy.project import write_project
from automl.deploy.sagemaker import write_sagemaker
from automl.deploy.script import write_script
from automl.errors import UsageError, option
from automl.predictor import Predictor
from automl.tuning.journal import Journal
from automl.tuning.single import find_finished, write_single
from automl.tuning.store import read_run

Format = Literal["artifact", "endpoint", "sagemaker", "onnx", "code"]
_ENDINGS: Final = {"artifact": ENDING, "sagemaker": ENDING, "onnx": ".onnx"}
"""Formats that can be one file, by what it ends in."""
_ONLY_FILES: Final = ("sagemaker", "onnx")
"""Formats that are one file."""
_UNSIGNED: Final = ("code", "onnx")
"""Formats that are not for :func:`automl.load`."""


def export(
    model: str | Path,
    to: Path,
    format: Format = "artifact",
    *,
    candidate: str | None = None,
    key: Path | None = None,
    trust: Path | None = None,
) -> Path:
    """Write a model to a new or empty folder, or to a new file, and return its path.

    =============  ==============================================================================================
    ``artifact``   what :func:`automl.load` reads, a folder or a file
    ``endpoint``   a project around it: an application, pinned requirements, images, manifests, a README
    ``sagemaker``  a file, ``model.tar.gz``, with the model and ``code/inference.py``, for hosts of that contract
    ``onnx``       a file, ``NAME.onnx``, for runtimes of other languages: raw columns in, answers out, checked
    ``code``       a script of plain libraries that trains a candidate of a run again and scores it on the same folds
    =============  ==============================================================================================

    Parameters
    ----------
    candidate
        Of a run: which one, as the leaderboard names it, with the decision that is its own. None = the whole ensemble,
        for ``code`` the best.
    key
        For artifact, endpoint and sagemaker: PEM file of an Ed25519 private key to sign the model with, see
        :mod:`automl.signature`.
    trust
        For all but code, which is made from a run: PEM file of the public key that must have signed the model.

    Raises
    ------
    ArtifactError
        If there is no sound model, it is not signed by the key that is trusted, or the copy is not sound.
    UsageError
        If the options do not go together.
    AutoMLError
        If there is something at that place, the disk is full, or this model cannot be written in this format.
    """
    if key is not None and format in _UNSIGNED:
        raise UsageError(f"only a model that automl loads can be signed, not {format}; leave out --sign")
    if trust is not None and (format == "code" or candidate is not None):
        what = "code" if candidate is None else "a candidate"
        raise UsageError(f"{what} is made from a run, not from a model that is signed; leave out --trust")
    require_free(to, file=_is_file(to, format))
    with writing_to(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_place(to)
        try:
            if format == "code":
                write_script(Path(model), candidate, partial)
            else:
                with _source(model, candidate, trust) as predictor:
                    _write(predictor, partial, format, key)
            settle(partial, to)
        finally:
            if partial.is_file():
                partial.unlink()
            shutil.rmtree(partial, ignore_errors=True)
    return to


@contextmanager
def _source(model: str | Path, candidate: str | None, trust: Path | None) -> Iterator[Predictor]:
    """Give the predictor of a model, or of one candidate of a run."""
    if candidate is None:
        yield load(model, trust=trust)
        return
    run, journal = read_run(Path(model)), Journal(Path(model))
    trial = find_finished(run, journal, candidate)
    with TemporaryDirectory(prefix="automl-") as folder:
        yield write_single(run, journal, trial, Path(folder, candidate), anew=Path(folder, "anew"))


def _write(predictor: Predictor, to: Path, format: Format, key: Path | None) -> None:
    match format:
        case "artifact":
            load(copy(predictor, to, key=key))
        case "endpoint":
            write_project(predictor, to, key)
        case "sagemaker":
            write_sagemaker(predictor, to, key)
        case "onnx":
            write_onnx(predictor, to)


def _is_file(to: Path, format: Format) -> bool:
    """Return whether a place is a file, by its name; a UsageError if the format cannot be that."""
    ending = _ENDINGS.get(format, "")
    if ending and to.name.endswith(ending):
        return True
    if format in _ONLY_FILES or to.name.endswith(ENDING):
        wanted = f"a file that ends in {ending}" if format in _ONLY_FILES else "a folder"
        raise UsageError(f"{format} is {wanted}, got {str(to)!r}; give another place")
    if to.suffix == _ENDINGS["onnx"]:
        raise UsageError(f"{str(to)!r} is named like ONNX, but the format is {format}; add {option('format', 'onnx')}")
    return False
