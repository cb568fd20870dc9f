"""A model in one file is read as its folder is, and an archive that was made to harm is refused in one line."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import AutoML, archive, artifact, load
from automl.cli import main
from automl.errors import ArtifactError, AutoMLError


@pytest.fixture(scope="module")
def packed(churn_model: AutoML, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return churn_model.save(tmp_path_factory.mktemp("packed") / "churn.automl.tar.gz")


@pytest.fixture
def folder(churn_model: AutoML, tmp_path: Path) -> Path:
    return churn_model.save(tmp_path / "model")


def entries(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as file:
        return file.getmembers()


def made(path: Path, *contents: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for entry, data in contents:
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def resealed(folder: Path, name: str, data: bytes) -> Path:
    """Replace a file and its hash, as one would who knows how models are saved."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    text = json.dumps(manifest)
    (folder / "manifest.json").write_text(text)
    (folder / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())
    return folder


def test_an_empty_folder_is_filled_and_stays_the_one_that_somebody_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with archive.whole(Path()) as partial:
        (partial / "below").mkdir()
        (partial / "below" / "file").touch()
        assert not list(tmp_path.glob("below"))
    assert [str(path) for path in sorted(Path().rglob("*"))] == ["below", "below/file"]
    (tmp_path / "new").mkdir()
    with pytest.raises(OSError, match="not empty"), archive.whole(tmp_path / "new") as partial:
        (tmp_path / "new" / "other").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["other"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "model"
    with pytest.raises(FileNotFoundError), archive.whole(place) as partial:
        (partial / "missing" / "half").touch()
    assert list(place.parent.iterdir()) == []
    with archive.whole(place) as partial:
        (partial / "file").touch()
        assert not place.exists()
    assert [file.name for file in archive.files_in(tmp_path)] == ["file"]
    with pytest.raises(OSError, match="not empty"), archive.whole(place) as partial:
        (partial / "other").touch()
    assert [file.name for file in archive.files_in(tmp_path)] == ["file"]


def test_one_file_predicts_as_its_run_and_leaves_nothing_behind(packed: Path, churn: pd.DataFrame, churn_model: AutoML):
    predictor = load(packed)
    np.testing.assert_array_equal(predictor.predict_proba(churn), churn_model.predict_proba(churn))
    unpacked = predictor.folder
    assert unpacked.is_dir()
    del predictor
    assert not unpacked.exists()


def test_equal_models_make_equal_bytes(packed: Path, churn_model: AutoML, tmp_path: Path) -> None:
    again = churn_model.save(tmp_path / "new" / "other.tar.gz")
    assert again.read_bytes() == packed.read_bytes()
    assert load(again).folder.name == "model"
    assert artifact.copy(load(packed), tmp_path / "third.tar.gz").read_bytes() == packed.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "third.tar.gz"]
    assert {(entry.mtime, entry.uid, entry.mode) for entry in entries(packed)} == {(0, 0, 0o644)}


def test_a_file_that_is_there_is_left_alone(churn_model: AutoML, tmp_path: Path) -> None:
    place = tmp_path / "m.tar.gz"
    place.write_text("mine")
    with pytest.raises(AutoMLError, match="exists"):
        churn_model.save(place)
    assert place.read_text() == "mine"


def test_an_interpreter_that_ends_removes_what_it_unpacked(packed: Path, tmp_path: Path) -> None:
    code = "import sys, automl; model = automl.load(sys.argv[1]); print(model.folder.exists())"
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", code, packed]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "target", "message"),
    [
        ("../outside", tarfile.REGTYPE, "", "outside"),
        ("model/../../outside", tarfile.REGTYPE, "", "outside"),
        ("/tmp/outside", tarfile.REGTYPE, "", "outside"),
        ("model/.hidden", tarfile.REGTYPE, "", "outside"),
        ("model/a\\..\\b", tarfile.REGTYPE, "", "outside"),
        ("../outside", tarfile.DIRTYPE, "", "outside"),
        ("model/link", tarfile.SYMTYPE, "/etc/passwd", "no plain file"),
        ("model/link", tarfile.SYMTYPE, "manifest.json", "no plain file"),
        ("model/link", tarfile.LNKTYPE, "model/manifest.json", "no plain file"),
        ("model/device", tarfile.CHRTYPE, "", "no plain file"),
        ("model/pipe", tarfile.FIFOTYPE, "", "no plain file"),
    ],
)
def test_an_archive_of_anything_but_plain_files_is_refused(
    tmp_path: Path, name: str, kind: bytes, target: str, message: str
) -> None:
    sound = special("model/manifest.json", tarfile.REGTYPE), b"{}"
    path = made(tmp_path / "a.tar.gz", sound, (special(name, kind, target), b""))
    with pytest.raises(ArtifactError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.map": "1,x"},
        {"GNU.sparse.size": "x", "GNU.sparse.name": "a"},
        {"path": "a" * 100, "size": "9" * 23},
    ],
)
def test_headers_that_are_no_numbers_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    entry = special("model/manifest.json", tarfile.REGTYPE)
    entry.pax_headers = headers
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as file:
        file.addfile(entry)
    with pytest.raises(ArtifactError):
        load(tmp_path / "a.tar.gz")


def test_endless_further_headers_are_refused(tmp_path: Path) -> None:
    further = tarfile.TarInfo.create_pax_global_header({"comment": "x"})
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(tarfile.TarInfo("x")._create_pax_generic_header({"comment": "x"}, tarfile.XHDTYPE, "utf-8") * 3_000)
        file.write(further)
    with pytest.raises(ArtifactError):
        load(tmp_path / "a.tar.gz")


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    twice = [(tarfile.TarInfo("model/manifest.json"), text) for text in (b"{}", b"[]")]
    with pytest.raises(ArtifactError, match="File exists"):
        load(made(tmp_path / "a.tar.gz", *twice))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as file:
        entry = tarfile.TarInfo("model/zeros")
        entry.size = 1 << 40
        file.write(entry.tobuf())
        for _ in range(80):
            file.write(bytes(2**20))
    to = tmp_path / "to"
    to.mkdir()
    with pytest.raises(ArtifactError, match="far larger than it is"):
        archive.unpack(path, to)
    assert sum(file.stat().st_size for file in archive.files_in(to)) <= 2**26


def test_a_sparse_file_and_a_flood_of_files_are_refused(tmp_path: Path) -> None:
    sparse = tarfile.TarInfo("model/sparse")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "model/sparse"}
    sparse.pax_headers["GNU.sparse.realsize"] = str(1 << 40)
    with pytest.raises(ArtifactError, match="no plain file"):
        load(made(tmp_path / "sparse.tar.gz", (sparse, b"1\n0\n0\n".ljust(512, b"\0"))))
    with tarfile.open(tmp_path / "flood.tar.gz", "w:gz") as file:
        for number in range(10_001):
            file.addfile(special(f"d{number}", tarfile.DIRTYPE))
    with pytest.raises(ArtifactError, match="more than 10000 files"):
        load(tmp_path / "flood.tar.gz")


@settings(max_examples=30)
@given(place=st.floats(0, 1, exclude_max=True), cut=st.booleans())
def test_a_damaged_archive_is_refused(packed: Path, tmp_path_factory: pytest.TempPathFactory, place: float, cut: bool):
    data = bytearray(packed.read_bytes())
    at = int(place * (len(data) - 10)) + 10  # the ten bytes of gzip's header tell nothing of the content
    if cut:
        del data[at:]
    else:
        data[at] ^= 1
    path = tmp_path_factory.mktemp("damaged") / "m.tar.gz"
    path.write_bytes(data)
    with pytest.raises(ArtifactError):
        load(path)


@pytest.mark.parametrize(
    "data", [b"", b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n", mtime=0), gzip.compress(b"", mtime=0)]
)
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "table.csv").write_bytes(data)
    assert main(["predict", str(tmp_path / "table.csv"), "new.csv"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds no" in line
    assert "give a run folder or an exported model" in line


class Harm:
    """A pickle that runs code when it is read."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return exec, ("raise SystemExit('code of the archive was run')",)


def deflated() -> bytes:
    data = io.BytesIO()
    np.savez_compressed(data, feature=np.zeros(10**7))
    return data.getvalue()


def ever_so_large() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
        file.writestr("number.npy", header.getvalue())
    return data.getvalue()


def test_no_array_is_unpickled(folder: Path) -> None:
    for path in folder.rglob("*.npz"):
        before = path.read_bytes()
        with np.load(path) as arrays:
            names = list(arrays)
        harm = io.BytesIO()
        np.savez(harm, **{name: np.array([Harm()], object) for name in names})
        resealed(folder, path.relative_to(folder).as_posix(), harm.getvalue())
        with pytest.raises(ArtifactError, match="allow_pickle"):
            load(folder)
        resealed(folder, path.relative_to(folder).as_posix(), before)
    load(folder)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pickle.dumps(Harm()), "no plain file of arrays"),
        (deflated(), "no plain file of arrays"),
        (ever_so_large(), "cannot be read"),
        (b"", "no plain file of arrays"),
    ],
    ids=["pickle", "zip bomb", "huge shape", "empty"],
)
def test_arrays_that_were_made_up_are_refused(folder: Path, data: bytes, message: str) -> None:
    for name in ("arrays.npz", "rows.npz"):
        for path in sorted(folder.rglob(name))[:1]:
            before = path.read_bytes()
            resealed(folder, path.relative_to(folder).as_posix(), data)
            with pytest.raises(ArtifactError, match=message):
                load(folder)
            resealed(folder, path.relative_to(folder).as_posix(), before)
    load(folder)


@pytest.mark.parametrize("data", [b"", b"[1", b"[" * 100_000, b"[]", b"{}", b'{"format": 1}', b"\xff"])
def test_any_other_file_that_was_made_up_is_refused_in_one_line(folder: Path, data: bytes) -> None:
    for path in {path.suffix: path for path in archive.files_in(folder / "models")}.values():
        before = path.read_bytes()
        resealed(folder, path.relative_to(folder).as_posix(), data)
        with pytest.raises(ArtifactError, match=r"cannot be read|no plain file"):
            load(folder)
        resealed(folder, path.relative_to(folder).as_posix(), before)


@pytest.mark.parametrize("data", [b"", b"[1", b"[" * 100_000, b"[]", b"{}", b'{"format": 1}', b"\xff"])
def test_a_manifest_that_was_made_up_is_refused(folder: Path, data: bytes) -> None:
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.sha256").write_text(hashlib.sha256(data).hexdigest())
    with pytest.raises(ArtifactError, match="cannot be read"):
        load(folder)


def test_a_file_that_nobody_hashed_is_refused(folder: Path, tmp_path: Path) -> None:
    model = next(folder.glob("models/*/fold-0"))
    (model / "target.json").write_text('{"low": 0, "high": 1}')  # would be read as part of the model
    with pytest.raises(ArtifactError, match=r"target\.json' is not part of the model; remove it"):
        load(folder)
    archive.pack(folder, tmp_path / "m.tar.gz")
    with pytest.raises(ArtifactError, match=r"m\.tar\.gz: .*target\.json"):
        load(tmp_path / "m.tar.gz")
    (model / "target.json").rename(model / ".DS_Store")
    load(folder)


def test_a_folder_that_nobody_hashed_is_refused(folder: Path, tmp_path: Path) -> None:
    """Were it read, a signed model could be given others for its quantiles."""
    model = next(folder.glob("models/*/fold-0"))
    (tmp_path / "elsewhere").mkdir()
    for add in (
        lambda place: place.mkdir(),
        lambda place: shutil.copytree(model, place),
        lambda place: place.symlink_to(tmp_path / "elsewhere"),
    ):
        place = model / "level-0"
        add(place)
        with pytest.raises(ArtifactError, match=r"level-0.*' is not part of the model; remove it"):
            load(folder)
        place.unlink() if place.is_symlink() else shutil.rmtree(place)
    load(folder)


def test_no_file_is_read_that_the_manifest_does_not_name(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    model = next(name for name in manifest["files"] if name.startswith("models/"))
    fold = Path(model).parts[:3]
    for left in ({}, {name: found for name, found in manifest["files"].items() if Path(name).parts[:3] != fold}):
        text = json.dumps(manifest | {"files": left})
        (folder / "manifest.json").write_text(text)
        (folder / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())
        with pytest.raises(ArtifactError, match="is not part of the model"):
            load(folder)


def test_what_is_left_of_another_version_is_not_read(folder: Path) -> None:
    other = folder / "models" / "lightgbm-00000000" / "fold-0"
    other.mkdir(parents=True)
    (other / "rows.npz").write_bytes(pickle.dumps(Harm()))
    load(folder)


def test_every_command_that_takes_a_model_takes_a_file(packed: Path, tmp_path: Path, churn: pd.DataFrame) -> None:
    churn.to_csv(tmp_path / "churn.csv", index=False)
    assert main(["predict", str(packed), str(tmp_path / "churn.csv"), "-o", str(tmp_path / "p.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "p.csv")) == 1200
    assert main(["export", str(packed), "--to", str(tmp_path / "folder")]) == 0
    assert load(tmp_path / "folder").task.target == "churn"


def test_of_two_that_fill_a_folder_the_first_counts_if_that_is_wanted(tmp_path: Path) -> None:
    def other() -> None:
        (tmp_path / "place").mkdir()
        (tmp_path / "place" / "of").write_text("the other")

    with archive.whole(tmp_path / "place", first=True) as partial:
        (partial / "of").write_text("this one")
        other()
    assert (tmp_path / "place" / "of").read_text() == "the other"
    with pytest.raises(OSError, match="place"), archive.whole(tmp_path / "place") as partial:
        (partial / "of").write_text("this one")
    assert [entry.name for entry in tmp_path.iterdir()] == ["place"]
