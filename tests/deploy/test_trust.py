"""What a server that trusts a key serves, later versions included."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import httpx
import pandas as pd
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from serving import started

from automl import load
from automl.cli import main
from automl.deploy.export import export
from automl.deploy.metrics import Metrics
from automl.deploy.options import ServeOptions
from automl.deploy.reload import Reloader
from automl.deploy.served import Served
from automl.deploy.server import open_app
from automl.deploy.variants import Lane, Role, Variant
from automl.errors import ArtifactError


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    key = Ed25519PrivateKey.generate()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    return folder / "key.pem", folder / "public.pem"


def test_a_new_version_must_be_signed_too(run: Path, other_run: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    live = export(run, tmp_path / "live", key=keys[0])
    lane = Lane("main", live, Role.MAIN, 1.0, Served.warm(load(live, trust=keys[1])))
    reloader = Reloader([lane], Metrics(), keys[1])
    first = lane.served.id
    replace(live, export(other_run, tmp_path / "unsigned"))
    asyncio.run(reloader.look())
    assert lane.served.id == first
    replace(live, export(other_run, tmp_path / "signed", key=keys[0]))
    asyncio.run(reloader.look())
    assert lane.served.id != first


def replace(live: Path, new: Path) -> None:
    shutil.rmtree(live)
    new.rename(live)


def test_variants_must_be_signed_too(run: Path, other_run: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    signed = export(run, tmp_path / "model", key=keys[0])
    options = ServeOptions(trust=keys[1], variants=(Variant(other_run, Role.SHADOW),))
    with pytest.raises(ArtifactError, match="is not signed"):
        open_app(signed, options)
    assert ServeOptions.from_json(options.to_json()) == options


def test_a_signed_project_can_check_its_model(run: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    project = export(run, tmp_path / "project", "endpoint", key=keys[0])
    assert "cryptography==" in (project / "requirements.txt").read_text()
    assert load(project / "model", trust=keys[1]).task.target == "late"


@pytest.mark.parametrize("command", ["evaluate", "explain", "export"])
def test_every_command_can_ask_for_a_signature(
    run: Path, table: pd.DataFrame, keys: tuple[Path, Path], tmp_path: Path, command: str
) -> None:
    signed = export(run, tmp_path / "signed", key=keys[0])
    table.head(3).to_csv(tmp_path / "rows.csv", index=False)
    rest = ["--to", str(tmp_path / "copy")] if command == "export" else [str(tmp_path / "rows.csv")]
    assert main([command, str(run), *rest, "--trust", str(keys[1])]) == 1
    assert not (tmp_path / "copy").exists()
    assert main([command, str(signed), *rest, "--trust", str(keys[1])]) == 0


def test_a_project_checks_the_versions_that_come_later(
    run: Path, other_run: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    project = export(run, tmp_path / "project", "endpoint", key=keys[0])
    environment = os.environ | {"TRUST": str(keys[1]), "PORT": "0", "LOG": "none"}
    with started(project / "app.py", environment=environment) as (process, stderr, address):
        first = httpx.get(f"{address}/version").json()["model"]["id"]
        replace(project / "model", export(other_run, tmp_path / "unsigned"))
        process.send_signal(signal.SIGHUP)
        assert f"main stays at {first}" in stderr.readline()
        assert httpx.get(f"{address}/version").json()["model"]["id"] == first
