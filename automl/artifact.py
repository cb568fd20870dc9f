"""A predictor on disk: one folder of JSON, arrays and native model files. Reading it executes no code.

::

    manifest.json          format, versions, schema, task, score, members, golden rows, sha256 of every other file
    manifest.sha256        of the manifest itself
    manifest.sig           of that hash, by who made the model; may be missing
    features/RECIPE/fold-0/
    features/topics/fold-0/  what these have learned of texts
    models/CANDIDATE/fold-0/

The hashes prove that nothing was damaged or changed by accident; who wrote it only the signature proves. Paths inside
are relative: the folder can be moved and copied. ``NAME.automl.tar.gz`` is the folder in one file.
"""

from __future__ import annotations

import copyreg
import hashlib
import json
import re
import shutil
import weakref
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl import archive, signature
from automl.blend import Blend
from automl.data.reading import Reading
from automl.data.schema_file import schema_from_json
from automl.data.source import path_of
from automl.data.task import task_from_json
from automl.errors import ArtifactError, AutoMLError
from automl.evaluation.conformal import Residuals
from automl.evaluation.decision import Decision
from automl.evaluation.interval import Score
from automl.features.pipeline import Features
from automl.features.text import Texts
from automl.models import saved
from automl.models.base import Model
from automl.models.lightgbm_c import FEW_ROWS
from automl.models.registry import get_family
from automl.predictor import FoldModel, Part, Predictor

FORMAT: Final = 1
_TOP: Final = "model"
"""The folder in a run, or in an archive, that is the model."""
_MANIFEST: Final = ("manifest.json", "manifest.sha256")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TOLERANCE: Final = 1e-5
"""Relative difference of golden predictions that another processor or library build may bring."""

Opened = MutableMapping[str, Features | Texts | Model]
"""Features and models that are in memory, by their path inside the predictor."""


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest and its hash, with the hashes of what lies in a folder."""
    manifest["files"] = {path.relative_to(folder).as_posix(): archive.sha256(path) for path in archive.files_in(folder)}
    (folder / "manifest.json").write_text(_text(manifest), encoding="utf-8")
    (folder / "manifest.sha256").write_text(digest(manifest), encoding="ascii")


def _text(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, indent=1)


def digest(manifest: Mapping[str, Any]) -> str:
    """Return the hash by which a manifest is known, also when others lie in its place."""
    return hashlib.sha256(_text(manifest).encode()).hexdigest()


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
        If ``path`` is none, or ``trust`` no such key.
    """
    place, key = path_of(path, "a saved model"), None if trust is None else Path(trust)
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
        archive.check(folder, manifest["files"], _places(manifest), shown)
        predictor = build(folder, manifest, {})
        golden = replay(predictor)
        expected = np.array(manifest["golden"]["predictions"])
        same = alike(golden, expected)
    except AutoMLError:
        raise
    except Exception as error:  # each library has errors of its own for what it cannot read
        reason = f"{type(error).__name__}: {error}"
        raise ArtifactError(f"{shown} cannot be read ({reason}); are the libraries those of its manifest?") from error
    if not same:
        raise ArtifactError(f"{shown}: the golden rows are not predicted as they were in training; {_drift(manifest)}")
    return predictor


def alike(prediction: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    """Return whether predictions are those of the same model, on another processor or library build maybe."""
    return np.allclose(prediction, expected, rtol=_TOLERANCE, atol=_TOLERANCE * float(np.abs(expected).max()))


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
    if not to.name.endswith(archive.ENDING):
        _copied(predictor, to, sign)
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
    _require_unchanged(predictor)
    with archive.whole(to) as partial:
        for name in predictor.manifest["files"]:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(predictor.folder / name, partial / name)
        if added := _quickened(partial, predictor.manifest):
            quick = sorted({*predictor.manifest.get("quick", ()), *added})
            seal(partial, {**predictor.manifest, "quick": quick})
        else:
            for name in seals(predictor):
                shutil.copyfile(predictor.folder / name, partial / name)
        if sign is not None:
            digest = (partial / "manifest.sha256").read_text(encoding="ascii").strip()
            (partial / signature.NAME).write_bytes(sign(digest))


def _require_unchanged(predictor: Predictor) -> None:
    """Refuse a predictor whose folder holds another one now, or nothing: its run went on, or another took its place."""
    manifest = predictor.folder / "manifest.json"
    if not manifest.is_file():
        raise ArtifactError(
            f"{predictor.folder} is gone, and a model is saved and pickled from its files; do that while they are there"
        )
    if json.dumps(json.loads(manifest.read_bytes())) != json.dumps(predictor.manifest):
        raise ArtifactError(f"{predictor.folder} does not hold this model any more; load the one that is there now")


def seals(predictor: Predictor) -> list[str]:
    """Return the files of a predictor that are not in its manifest: that itself, its hash, a signature."""
    return [name for name in (*_MANIFEST, signature.NAME) if (predictor.folder / name).exists()]


def _quickened(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Bring the models in a folder into their form for few rows; return the paths of those that had none yet."""
    added: list[str] = []
    for member in manifest["members"]:
        for fold in member["folds"]:
            path = model_path(member["candidate"], fold["fold"])
            if path not in (*manifest.get("quick", ()), *added):
                saved.load(get_family(member["family"]), folder / path).save_for_few_rows(folder / path)
                added.append(path)
    return added


def build(folder: Path, manifest: Mapping[str, Any], opened: Opened) -> Predictor:
    """Return the predictor whose files lie in a folder; what is ``opened`` is not read again."""
    residuals = manifest.get("residuals")  # predictors of earlier versions have none
    parts = _parts(folder, manifest, opened)
    read = frozenset().union(*(part.features.parts.texts for part in parts))
    return Predictor(
        schema=schema_from_json(manifest["schema"]).without_words(read),
        task=task_from_json(manifest["task"]),
        metric=manifest["metric"],
        score=Score.from_json(manifest["score"]),
        parts=parts,
        blend=_blend(manifest),
        residuals=Residuals.from_json(residuals) if residuals else None,
        decision=Decision.from_json(manifest.get("decision", {})),
        coverage=tuple(manifest.get("coverage", ())),
        reading=Reading.from_json(manifest["reading"]),
        examples=manifest["golden"]["rows"],
        manifest=manifest,
        folder=folder.absolute(),  # the working directory may change
    )


def _places(manifest: Mapping[str, Any]) -> set[str]:
    """Return the folders that :func:`build` reads."""
    folds = [(member["candidate"], fold) for member in manifest["members"] for fold in member["folds"]]
    places = {model_path(candidate, fold["fold"]) for candidate, fold in folds}
    places |= {features_path(fold["recipe"], fold["fold"]) for _, fold in folds}
    return places | {texts_path(fold) for fold in manifest.get("texts", ())}


def _parts(folder: Path, manifest: Mapping[str, Any], opened: Opened) -> list[Part]:
    """Group the fold models by the features they share."""
    shared: dict[str, tuple[int, Features, list[FoldModel]]] = {}
    for number, member in enumerate(manifest["members"]):
        family = get_family(member["family"])
        for fold in member["folds"]:
            place = features_path(fold["recipe"], fold["fold"])
            if place not in opened:
                opened[place] = Features.load(folder / place, _texts(folder, manifest, fold["fold"], opened))
            path = model_path(member["candidate"], fold["fold"])
            if path not in opened:
                opened[path] = saved.load(family, folder / path)
            features, model = opened[place], opened[path]
            assert isinstance(features, Features)
            assert isinstance(model, Model)
            _, _, models = shared.setdefault(place, (fold["fold"], features, []))
            models.append(FoldModel(number, 1 / len(member["folds"]), model))
    return [Part(*part) for part in shared.values()]


def _texts(folder: Path, manifest: Mapping[str, Any], fold: int, opened: Opened) -> Texts | None:
    """Return what all features of a fold have learned of texts, if that lies apart from them."""
    if fold not in manifest.get("texts", ()):  # predictors of earlier versions have it in each
        return None
    place = texts_path(fold)
    if place not in opened:
        opened[place] = Texts.load(folder / place)
    texts = opened[place]
    assert isinstance(texts, Texts)
    return texts


def _blend(manifest: Mapping[str, Any]) -> Blend:
    weights = np.array([member["weight"] for member in manifest["members"]], np.float64)
    how = manifest.get("blend", {"log": False, "bias": None})  # predictors of earlier versions average
    bias = None if how["bias"] is None else np.array(how["bias"], np.float64)
    least = how.get("least")  # and know no range
    return Blend(weights, bias, how["log"], -inf if least is None else least)


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


def replay(predictor: Predictor) -> NDArray[np.float64]:
    """Predict the golden rows, a few at a time: that reads no more of a model than it must."""
    rows = predictor.example_frame()
    return np.concatenate(
        [predictor.raw(rows.iloc[start : start + FEW_ROWS]) for start in range(0, len(rows), FEW_ROWS)]
    )


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


def model_path(candidate: str, fold: int) -> str:
    """Return where a fold model lies in a predictor's folder."""
    return f"models/{_named(candidate)}/fold-{int(fold)}"


def features_path(recipe: str, fold: int) -> str:
    """Return where the features of a fold lie in a predictor's folder."""
    return f"features/{_named(recipe)}/fold-{int(fold)}"


def texts_path(fold: int) -> str:
    """Return the folder of a fold's fitted texts, which all its recipes share."""
    return f"features/topics/fold-{int(fold)}"


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ArtifactError(f"the manifest names {name!r}, which is not a plain name")
    return name
