"""A signed model is loaded where its key is trusted, and nothing else is, in one line."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from automl import AutoML, archive, artifact, load
from automl.cli import main
from automl.deploy.export import export
from automl.errors import ArtifactError, UsageError
from automl.signature import NAME

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo
OPEN = serialization.NoEncryption()


def make_keys(folder: Path) -> tuple[Path, Path]:
    private, public = folder / "key.pem", folder / "public.pem"
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(PEM, PKCS8, OPEN))
    public.write_bytes(key.public_key().public_bytes(PEM, PUBLIC))
    return private, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(churn_model: AutoML, keys: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(churn_model.run_, tmp_path_factory.mktemp("signed") / "model", key=keys[0])


@pytest.fixture
def folder(signed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(signed, tmp_path / "model")


def test_what_is_signed_is_trusted_however_it_is_copied(signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    packed = artifact.copy(load(signed, trust=keys[1]), tmp_path / "m.automl.tar.gz")
    again = artifact.copy(load(packed, trust=keys[1]), tmp_path / "again")
    assert (load(again, trust=str(keys[1])).folder / NAME).read_bytes() == (signed / NAME).read_bytes()
    assert load(signed).schema == load(again).schema  # nobody has to ask who signed it
    assert artifact.copy(load(signed), tmp_path / "n.tar.gz", key=keys[0]).read_bytes() == packed.read_bytes()


def test_openssl_makes_the_keys_and_checks_the_signature(churn_model: AutoML, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    for command in (
        "genpkey -algorithm ed25519 -out key.pem",
        "pkey -in key.pem -pubout -out public.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True)
    export(churn_model.run_, tmp_path / "m", key=tmp_path / "key.pem")
    load(tmp_path / "m", trust=tmp_path / "public.pem")
    check = "pkeyutl -verify -pubin -inkey public.pem -rawin -in m/manifest.sha256 -sigfile m/manifest.sig"
    subprocess.run(["openssl", *check.split()], cwd=tmp_path, check=True, capture_output=True)


def change_a_byte(model: Path) -> None:
    file = next(iter(sorted((model / "features").rglob("*.json"))))
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))


def change_the_manifest(model: Path) -> None:
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["metric"] = "accuracy"
    seal(model, json.dumps(manifest))


def change_a_file_and_all_hashes(model: Path) -> None:
    change_a_byte(model)
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["files"] = {name: archive.sha256(model / name) for name in manifest["files"]}
    seal(model, json.dumps(manifest))


def seal(model: Path, text: str) -> None:
    (model / "manifest.json").write_text(text)
    (model / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest())


def keep_the_old_hash(model: Path) -> None:
    digest = (model / "manifest.sha256").read_text()
    change_the_manifest(model)
    (model / "manifest.sha256").write_text(digest)


def sign_by_another(model: Path) -> None:
    private, _ = make_keys(model.parent)
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    (model / NAME).write_bytes(key.sign((model / "manifest.sha256").read_bytes()))


def strip(model: Path) -> None:
    (model / NAME).unlink()


def longer(model: Path) -> None:
    (model / NAME).write_bytes((model / NAME).read_bytes() + b"\0")


def shorter(model: Path) -> None:
    (model / NAME).write_bytes((model / NAME).read_bytes()[:-1])


def a_folder(model: Path) -> None:
    strip(model)
    (model / NAME).mkdir()


CHANGES = [
    (change_a_byte, "was changed"),
    (change_the_manifest, "was not signed"),
    (change_a_file_and_all_hashes, "was not signed"),
    (keep_the_old_hash, "was changed"),
    (sign_by_another, "was not signed"),
    (strip, "is not signed"),
    (longer, "was not signed"),
    (shorter, "was not signed"),
    (a_folder, "is not signed"),
]


@pytest.mark.parametrize("one_file", [False, True])
@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_was_changed_is_refused(
    change: Callable[[Path], None],
    message: str,
    one_file: bool,
    folder: Path,
    keys: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    change(folder)
    if one_file:
        archive.pack(folder, tmp_path / "m.tar.gz")
    with pytest.raises(ArtifactError, match=message):
        load(tmp_path / "m.tar.gz" if one_file else folder, trust=keys[1])


def test_the_signature_of_another_model_is_refused(
    churn_model: AutoML, signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    other = export(churn_model.run_, tmp_path / "other")
    change_the_manifest(other)  # its hash is another one now
    shutil.copyfile(signed / NAME, other / NAME)
    assert load(other).metric == "accuracy"
    with pytest.raises(ArtifactError, match="was not signed"):
        load(other, trust=keys[1])


@pytest.mark.parametrize("what", ["missing", "text", "private", "rsa"])
def test_what_is_trusted_must_be_a_public_key(what: str, signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    place = tmp_path / "trusted.pem"
    contents = {
        "text": b"no key",
        "private": keys[0].read_bytes(),
        "rsa": rsa.generate_private_key(65537, 2048).public_key().public_bytes(PEM, PUBLIC),
    }
    if what in contents:
        place.write_bytes(contents[what])
    with pytest.raises(UsageError, match=r"trusted\.pem"):
        load(signed, trust=place)


@pytest.mark.parametrize("what", ["missing", "public", "locked"])
def test_what_signs_must_be_a_private_key(
    what: str, churn_model: AutoML, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    place = tmp_path / "signing.pem"
    key = Ed25519PrivateKey.generate()
    locked = serialization.BestAvailableEncryption(b"secret")
    contents = {"public": keys[1].read_bytes(), "locked": key.private_bytes(PEM, PKCS8, locked)}
    if what in contents:
        place.write_bytes(contents[what])
    with pytest.raises(UsageError, match=r"signing\.pem"):
        export(churn_model.run_, tmp_path / "m", key=place)
    assert [path.name for path in tmp_path.iterdir()] == ["signing.pem"] * place.exists()


def test_code_is_not_signed(churn_model: AutoML, keys: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--sign"):
        export(churn_model.run_, tmp_path / "m", "code", key=keys[0])


def test_without_the_library_one_line_says_what_to_install(
    signed: Path, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    load(signed)
    with pytest.raises(UsageError, match=r"automl\[signing\]"):
        load(signed, trust=keys[1])


def test_the_command_line_signs_and_trusts(
    churn_model: AutoML, keys: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, rows = tmp_path / "m.tar.gz", Path(__file__).parents[1] / "datasets" / "churn.csv"
    assert main(["export", str(churn_model.run_), "--to", str(place), "--sign", str(keys[0])]) == 0
    assert main(["predict", str(place), str(rows), "--trust", str(keys[1])]) == 0
    capsys.readouterr()
    assert main(["predict", str(churn_model.run_), str(rows), "--trust", str(keys[1])]) == 1
    assert main(["serve", str(churn_model.run_), "--trust", str(keys[1])]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.partition(" is not signed")[0] for line in shown.err.splitlines()] == [
        f"error: {churn_model.run_}"
    ] * 2
