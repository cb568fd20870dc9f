"""A predictor on disk is whole or refused, holds no code, and is read by every later version."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import pickletools
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from automl import AutoML, artifact, load
from automl.errors import ArtifactError, AutoMLError

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {".json", ".sha256", ".txt", ".ubj", ".cbm", ".npy", ".npz"}


@pytest.fixture
def copy(churn_model: AutoML, tmp_path: Path) -> Path:
    return churn_model.save(tmp_path / "model")


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and its hash, as somebody with a text editor and a purpose would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    text = json.dumps(manifest)
    (folder / "manifest.json").write_text(text)
    (folder / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Return every file, and every file inside of a zip."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        yield str(path.relative_to(folder)), data
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from ((f"{path.name}/{name}", archive.read(name)) for name in archive.namelist())


def is_pickle(data: bytes) -> bool:
    try:
        return [operation.name for operation, *_ in pickletools.genops(data)][-1:] == ["STOP"] and len(data) > 2
    except Exception:  # the parser fails in many ways on what is no pickle
        return False


def test_the_scan_knows_a_pickle() -> None:
    assert is_pickle(b"\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.")  # {"a": 1}
    assert not is_pickle(b'{"a": 1}')


def test_no_file_holds_a_pickle(copy: Path) -> None:
    found = dict(contents(copy))
    assert {Path(name).suffix for name in found} <= SUFFIXES
    assert [name for name, data in found.items() if is_pickle(data)] == []
    for path in copy.rglob("*.np[yz]"):
        np.load(path, allow_pickle=False)


def test_a_flipped_byte_in_any_file_is_refused(copy: Path) -> None:
    chance = random.Random(0)
    files = [path for path in copy.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        before = path.read_bytes()
        place = chance.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ 1 << chance.randrange(8)]) + before[place + 1 :])
        with pytest.raises(ArtifactError, match=r"changed after it was saved|holds no model"):
            load(copy)
        path.write_bytes(before)
    load(copy)


def test_a_missing_file_is_refused_by_name(copy: Path) -> None:
    victim = next(copy.rglob("fold-1/*"))
    victim.unlink()
    with pytest.raises(ArtifactError, match=f"{victim.name} is missing"):
        load(copy)


def test_a_moved_folder_predicts_the_same(copy: Path, churn: pd.DataFrame, churn_model: AutoML, tmp_path: Path) -> None:
    moved = copy.rename(tmp_path / "else where ☃")
    np.testing.assert_array_equal(load(moved).predict_proba(churn), churn_model.predict_proba(churn))


@pytest.mark.parametrize("through", [pickle, cloudpickle])
def test_a_pickled_model_needs_no_folder(
    through: Any, copy: Path, churn: pd.DataFrame, churn_model: AutoML, tmp_path: Path
) -> None:
    loaded = load(copy)
    pickled = through.dumps(loaded)
    copied = deepcopy(loaded)
    shutil.rmtree(copy)
    expected = churn_model.predict_proba(churn.head(80))
    for model in (pickle.loads(pickled), copied, pickle.loads(through.dumps(churn_model)), deepcopy(churn_model)):
        np.testing.assert_array_equal(model.predict_proba(churn.head(80)), expected)
    pd.testing.assert_frame_equal(deepcopy(churn_model).leaderboard_, churn_model.leaderboard_)


def test_a_run_folder_and_its_link_load_too(churn_model: AutoML) -> None:
    assert load(churn_model.run_).score == load(churn_model.run_ / "model").score == churn_model.score_


def test_a_later_format_is_refused(copy: Path) -> None:
    rewrite_manifest(copy, lambda manifest: manifest.update(format=2))
    with pytest.raises(ArtifactError, match="has format 2; this version of automl reads format 1"):
        load(copy)


@pytest.mark.parametrize("name", ["../outside.npy", "/etc/hostname"])
def test_a_manifest_that_leaves_its_folder_is_refused(copy: Path, name: str) -> None:
    rewrite_manifest(copy, lambda manifest: manifest["files"].update({name: "0" * 64}))
    with pytest.raises(ArtifactError, match="outside of the folder"):
        load(copy)


@pytest.mark.parametrize("name", ["../up", "a/b", ".", ""])
def test_a_candidate_that_is_a_path_is_refused(copy: Path, name: str) -> None:
    rewrite_manifest(copy, lambda manifest: manifest["members"][0].update(candidate=name))
    with pytest.raises(ArtifactError, match="not a plain name"):
        load(copy)


def test_other_predictions_of_the_golden_rows_are_refused(copy: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["golden"]["predictions"][0] = [0.25, 0.75]
        manifest["versions"]["lightgbm"] = "0.1"

    rewrite_manifest(copy, change)
    with pytest.raises(ArtifactError, match=r"golden rows .* install the versions it was saved with: .*lightgbm 0\.1"):
        load(copy)


def test_a_copy_never_overwrites(churn_model: AutoML, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AutoMLError, match="not an empty folder"):
        churn_model.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_model_in_its_place_is_not_copied(copy: Path, churn_model: AutoML, tmp_path: Path) -> None:
    """A run went on, or another took its folder: what is saved would not be what was fitted."""
    loaded = load(copy)
    shutil.rmtree(copy)
    for ask in (lambda: artifact.copy(loaded, tmp_path / "gone"), lambda: pickle.dumps(loaded)):
        with pytest.raises(ArtifactError, match="is gone, and a model is saved and pickled from its files"):
            ask()
    shutil.copytree(GOLDEN / "format-1" / "model", copy)
    with pytest.raises(ArtifactError, match="does not hold this model any more"):
        artifact.copy(loaded, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_a_predictor_of_an_earlier_version_loads_and_predicts_the_same(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "golden")
    (saved,) = (tmp_path / "golden").glob("model*")  # a folder or a file
    model = load(saved)
    expected = pd.read_csv(folder / "predictions.csv")
    rows = pd.read_csv(folder / "rows.csv")
    pd.testing.assert_frame_equal(model.predict_frame(rows, proba=True), expected, rtol=1e-5)
