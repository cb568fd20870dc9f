"""A predictor on disk: one folder of JSON, arrays and native model files. Reading it executes no code.

::

    manifest.json          format, versions, schema, task, score, members, golden rows, sha256 of every other file
    manifest.sha256        of the manifest itself
    manifest.sig           of that hash, by who made the model; may be missing
    features/RECIPE/fold-0/
    models/CANDIDATE/fold-0/

The hashes prove that nothing was damaged or changed by accident; who wrote it only the signature proves. Paths inside
are relative: the folder can be moved and copied. ``NAME.automl.tar.gz`` is the folder in one file.
"""

from __future__ import annotations

import copyreg
import hashlib
import json
import math
import os
import platform
import re
import shutil
import weakref
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pandas as pd

from automl import archive, signature
from automl.blend import Blend
from automl.data.cells import text_of
from automl.data.reading import Reading
from automl.data.schema_file import schema_from_json, schema_to_json
from automl.data.table import Schema, Task
from automl.data.task import task_from_json, task_to_json
from automl.errors import ArtifactError, AutoMLError
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.features.pipeline import Features
from automl.models import resampled, transformed
from automl.models.base import Model
from automl.models.clightgbm import FEW
from automl.models.registry import get_family
from automl.predictor import FoldModel, Part, Predictor

FORMAT: Final = 1
_TOP: Final = "model"
"""The folder in a run, or in an archive, that is the model."""
_MANIFEST: Final = ("manifest.json", "manifest.sha256")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TOLERANCE: Final = 1e-5
"""Relative difference of golden predictions that another processor or library build may bring."""

Opened = MutableMapping[str, Features | Model]
"""Features and models that are in memory, by their path inside the predictor."""


@dataclass(frozen=True, slots=True)
class FoldFiles:
    """Where the pieces of one fold model lie before they become part of a predictor."""

    fold: int
    recipe: str
    model: Path
    features: Path

    @property
    def quick(self) -> Path:
        """Where the model's form for few rows lies once :func:`quicken` has written it."""
        return self.model.with_name("quick")


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate in the ensemble."""

    candidate: str
    family: str
    folds: Sequence[FoldFiles]


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """What was chosen out of fold."""

    members: Sequence[Member]
    blend: Blend
    """Over the members, in their order."""
    score: Score
    residuals: Residuals | None = None
    """Regression."""
    decision: Decision = Decision()  # noqa: RUF009 - frozen
    """Classification: how a class is chosen."""
    coverage: Sequence[float] = ()
    """Quantile: the share of values that lie below each, out of fold."""


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """What a predictor knows besides its models."""

    schema: Schema
    task: Task
    metric: str
    reading: Reading
    examples: pd.DataFrame
    """A few raw training rows, target left out; they become the golden rows."""


def write(to: Path, ensemble: Ensemble, about: About, opened: Opened) -> Predictor:
    """Write a predictor to a new folder, in one rename when it is complete, and return it.

    Model files are linked, not copied, where the file system can. ``opened`` keeps models in memory between versions.
    """
    partial = to.with_name(f".{to.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    members, blend, residuals = ensemble.members, ensemble.blend, ensemble.residuals
    for member in members:
        for fold in member.folds:
            _link_all(fold.model, partial / _model_path(member.candidate, fold.fold))
            _link_all(fold.features, partial / _features_path(fold.recipe, fold.fold))
            if fold.quick.exists():
                _link_all(fold.quick, partial / _model_path(member.candidate, fold.fold))
    families = {get_family(member.family).library for member in members}
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in sorted({"automl", "numpy", "pandas", "scikit-learn", *families})},
        "task": task_to_json(about.task),
        "metric": about.metric,
        "score": asdict(ensemble.score),
        "residuals": None if residuals is None else residuals.to_json(),
        "decision": ensemble.decision.to_json(),
        "coverage": list(ensemble.coverage),
        "reading": about.reading.to_json(),
        "schema": schema_to_json(about.schema),
        "members": [
            {
                "candidate": member.candidate,
                "family": member.family,
                "weight": weight,
                "folds": [{"fold": fold.fold, "recipe": fold.recipe} for fold in member.folds],
            }
            for member, weight in zip(members, blend.weights.tolist(), strict=True)
        ],
        "quick": [_model_path(m.candidate, fold.fold) for m in members for fold in m.folds if fold.quick.exists()],
        "blend": {"log": blend.log, "bias": None if blend.bias is None else blend.bias.tolist()},
        "files": {},
        "golden": {"rows": plain_rows(about.examples), "predictions": []},
    }
    manifest["golden"]["predictions"] = _replay(_predictor(partial, manifest, opened)).tolist()
    _seal(partial, manifest)
    partial.rename(to)
    return _predictor(to, manifest, opened)


def quicken(family: str, files: FoldFiles) -> None:
    """Bring a model into its form for few rows; its folder stays empty if it has none."""
    partial = files.quick.with_name(f".quick.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    transformed.load(get_family(family), files.model).save_for_few_rows(partial)
    partial.rename(files.quick)


def _seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest over what lies in a folder."""
    manifest["files"] = {path.relative_to(folder).as_posix(): archive.sha256(path) for path in archive.files_in(folder)}
    text = json.dumps(manifest, indent=1)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    (folder / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest(), encoding="ascii")


def load(path: str | Path, *, trust: str | Path | None = None) -> Predictor:
    """Load a predictor from a run folder, an exported folder, or an exported file.

    Every file is checked against its hash before it is parsed, and the golden rows are predicted again. A file is
    unpacked into a temporary folder, which is there as long as the predictor.

    Parameters
    ----------
    trust
        PEM file of the public key that must have signed the model, see :mod:`automl.signature`.

    Raises
    ------
    ArtifactError
        If there is no predictor, a file is missing, changed or too many, the format is unknown, the golden rows
        come out differently, or the model is not signed by the key that is trusted.
    UsageError
        If ``trust`` is no such key.
    """
    place, key = Path(path), None if trust is None else Path(trust)
    if not place.is_file():
        return _load(place, place, key)
    with ExitStack() as unpacked:
        folder = Path(unpacked.enter_context(TemporaryDirectory(prefix="automl-")))
        archive.unpack(place, folder)
        predictor = _load(folder, place, key)
        weakref.finalize(predictor, unpacked.pop_all().close)
    return predictor


def _load(folder: Path, shown: Path, trust: Path | None) -> Predictor:
    """Load from a folder that errors call ``shown``."""
    if not (folder / "manifest.json").is_file() and (folder / _TOP / "manifest.json").is_file():
        folder = (folder / _TOP).resolve()
    try:
        manifest = _manifest(folder, shown, trust)
        archive.check(folder, manifest["files"], shown)
        predictor = _predictor(folder, manifest, {})
        golden = _replay(predictor)
        expected = np.array(manifest["golden"]["predictions"])
        same = np.allclose(golden, expected, rtol=_TOLERANCE, atol=_TOLERANCE * float(np.abs(expected).max()))
    except AutoMLError:
        raise
    except Exception as error:  # each library has errors of its own for what it cannot read
        reason = f"{type(error).__name__}: {error}"
        raise ArtifactError(f"{shown} cannot be read ({reason}); are the libraries those of its manifest?") from error
    if not same:
        raise ArtifactError(f"{shown}: the golden rows are not predicted as they were in training; {_drift(manifest)}")
    return predictor


def require_free(to: Path, *, file: bool | None = None) -> None:
    """Raise an AutoMLError if something is in the way of what is to be written; an empty folder is not.

    ``file``: whether it will be a file; None means that its ending says so.
    """
    file = to.name.endswith(archive.ENDING) if file is None else file
    if to.exists() and (file or not to.is_dir() or any(to.iterdir())):
        raise AutoMLError(f"{to} exists and is not an empty folder; give another place")


def copy(predictor: Predictor, to: Path, *, key: Path | None = None) -> Path:
    """Copy a predictor, with everything that makes it quick.

    Parameters
    ----------
    to
        A new or empty folder, or a new file if it ends in ``.tar.gz``; equal predictors make equal bytes.
    key
        PEM file of a private key to sign the copy with, see :mod:`automl.signature`. Without it, the copy of a signed
        model that is quick already is signed as that is.
    """
    require_free(to)
    sign = None if key is None else signature.signer(key)
    if to.exists():
        to.rmdir()
    if not to.name.endswith(archive.ENDING):
        _copied(predictor, to.absolute(), sign)
        return to
    to.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as beside:
        content, file = Path(beside) / "content", Path(beside) / "file"
        _copied(predictor, content / _TOP, sign)
        archive.pack(content, file)
        file.rename(to)
    return to


def _reduced(predictor: Predictor) -> tuple[Callable[[bytes], Predictor], tuple[bytes]]:
    """Return how a predictor is pickled, or copied: as the file of :func:`copy`, for any machine."""
    with TemporaryDirectory(prefix="automl-") as folder:
        return _restored, (copy(predictor, Path(folder) / f"pickled{archive.ENDING}").read_bytes(),)


def _restored(content: bytes) -> Predictor:
    """Load what :func:`_reduced` made."""
    with TemporaryDirectory(prefix="automl-") as folder:
        file = Path(folder) / f"pickled{archive.ENDING}"
        file.write_bytes(content)
        return load(file)


copyreg.pickle(Predictor, _reduced)  # here, for a predictor does not know how it is saved


def _copied(predictor: Predictor, to: Path, sign: signature.Sign | None) -> None:
    """Write a predictor to a new folder, each model also in its form for few rows."""
    partial = to.with_name(f".{to.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    for name in predictor.manifest["files"]:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(predictor.folder / name, partial / name)
    if added := _quickened(partial, predictor.manifest):
        quick = sorted({*predictor.manifest.get("quick", ()), *added})
        _seal(partial, {**predictor.manifest, "quick": quick})
    else:
        for name in seals(predictor):
            shutil.copyfile(predictor.folder / name, partial / name)
    if sign is not None:
        (partial / signature.NAME).write_bytes(sign((partial / "manifest.sha256").read_text(encoding="ascii").strip()))
    partial.rename(to)


def seals(predictor: Predictor) -> list[str]:
    """Return the files of a predictor that are not in its manifest: that itself, its hash, a signature."""
    return [name for name in (*_MANIFEST, signature.NAME) if (predictor.folder / name).exists()]


def _quickened(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Bring the models in a folder into their form for few rows; return the paths of those that had none yet."""
    added: list[str] = []
    for member in manifest["members"]:
        for fold in member["folds"]:
            path = _model_path(member["candidate"], fold["fold"])
            if path not in (*manifest.get("quick", ()), *added):
                transformed.load(get_family(member["family"]), folder / path).save_for_few_rows(folder / path)
                added.append(path)
    return added


def _predictor(folder: Path, manifest: Mapping[str, Any], opened: Opened) -> Predictor:
    residuals = manifest.get("residuals")  # predictors of earlier versions have none
    return Predictor(
        schema=schema_from_json(manifest["schema"]),
        task=task_from_json(manifest["task"]),
        metric=manifest["metric"],
        score=Score(**manifest["score"]),
        parts=_parts(folder, manifest, opened),
        blend=_blend(manifest),
        residuals=Residuals.from_json(residuals) if residuals else None,
        decision=Decision.from_json(manifest.get("decision", {})),
        coverage=tuple(manifest.get("coverage", ())),
        reading=Reading.from_json(manifest["reading"]),
        examples=manifest["golden"]["rows"],
        manifest=manifest,
        folder=folder,
    )


def _parts(folder: Path, manifest: Mapping[str, Any], opened: Opened) -> list[Part]:
    """Group the fold models by the features they share."""
    shared: dict[str, tuple[int, Features, list[FoldModel]]] = {}
    for number, member in enumerate(manifest["members"]):
        family = get_family(member["family"])
        for fold in member["folds"]:
            place = _features_path(fold["recipe"], fold["fold"])
            if place not in opened:
                opened[place] = Features.load(folder / place)
            path = _model_path(member["candidate"], fold["fold"])
            if path not in opened:
                opened[path] = resampled.loaded(transformed.load(family, folder / path), folder / path)
            features, model = opened[place], opened[path]
            assert isinstance(features, Features)
            assert isinstance(model, Model)
            _, _, models = shared.setdefault(place, (fold["fold"], features, []))
            models.append(FoldModel(number, 1 / len(member["folds"]), model))
    return [Part(*part) for part in shared.values()]


def _blend(manifest: Mapping[str, Any]) -> Blend:
    weights = np.array([member["weight"] for member in manifest["members"]], np.float64)
    how = manifest.get("blend", {"log": False, "bias": None})  # predictors of earlier versions average
    return Blend(weights, None if how["bias"] is None else np.array(how["bias"], np.float64), how["log"])


def _manifest(folder: Path, shown: Path, trust: Path | None) -> dict[str, Any]:
    try:
        text, digest = ((folder / name).read_bytes() for name in _MANIFEST)
    except OSError:
        raise ArtifactError(f"{shown} holds no model; give a run folder or an exported model") from None
    found = hashlib.sha256(text).hexdigest()
    if found.encode() != digest.strip():
        raise ArtifactError(f"{shown}: manifest.json was changed after it was saved; export or copy the model again")
    if trust is not None:
        signature.check(folder, found, trust, shown)
    manifest: dict[str, Any] = json.loads(text)
    if manifest["format"] != FORMAT:
        raise ArtifactError(f"{shown} has format {manifest['format']}; this version of automl reads format {FORMAT}")
    return manifest


def _replay(predictor: Predictor) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Predict the golden rows, a few at a time: that reads no more of a model than it must."""
    names = [column.name for column in predictor.schema.columns]
    rows = pd.DataFrame(predictor.example_rows(), columns=names)
    return np.concatenate([predictor.raw(rows.iloc[start : start + FEW]) for start in range(0, len(rows), FEW)])


def _drift(manifest: Mapping[str, Any]) -> str:
    now = {name: _version(name) for name in manifest["versions"] if name != "python"}
    other = [
        f"{name} {manifest['versions'][name]} (now {then})"
        for name, then in now.items()
        if then != manifest["versions"][name]
    ]
    return f"install the versions it was saved with: {', '.join(other)}" if other else "train it again on this machine"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # such as xgboost where xgboost-cpu serves
        return "not installed"


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON values: missing is null, times are ISO 8601, durations seconds."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _plain(value: Any) -> str | int | float | bool | None:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | bool) else text_of(value)


def _link_all(source: Path, to: Path) -> None:
    """Put the files of one folder into another."""
    for file in archive.files_in(source):
        place = to / file.relative_to(source)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(file, place)


def _link(source: Path, to: Path) -> None:
    """Put a file elsewhere; by a hard link where possible, for that costs neither time nor space."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copyfile(source, to)


def _model_path(candidate: str, fold: int) -> str:
    return f"models/{_named(candidate)}/fold-{int(fold)}"


def _features_path(recipe: str, fold: int) -> str:
    return f"features/{_named(recipe)}/fold-{int(fold)}"


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ArtifactError(f"the manifest names {name!r}, which is not a plain name")
    return name
