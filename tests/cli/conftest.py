"""One small run that the tests of the command line look at, and the ways to call it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from automl.cli import main

DATASETS = Path(__file__).parents[2] / "datasets"

Automl = Callable[..., "subprocess.CompletedProcess[str]"]
Failure = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def datasets() -> Path:
    return DATASETS


@pytest.fixture(scope="session")
def automl() -> Automl:
    """Run ``automl`` as a process of its own."""

    def run(*args: object, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "automl", *map(str, args)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=100)

    return run


@pytest.fixture
def failure(capsys: pytest.CaptureFixture[str]) -> Failure:
    """Run a command that must fail with nothing on stdout; return its exit code and its last line."""

    def run(*args: object) -> tuple[int, str]:
        code = main([str(arg) for arg in args])
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err.splitlines()[-1]

    return run


@pytest.fixture(scope="session")
def fitted(automl: Automl, tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    """A run on churn.csv, with the output of ``fit --json --test``."""
    run = tmp_path_factory.mktemp("cli") / "a run"  # the space shows whether paths are quoted
    churn = DATASETS / "churn.csv"
    result = automl(
        "fit", churn, "--target", "churn", "--max-trials", 2, "--output", run, "--folds", 2, "--test", churn, "--json"
    )
    assert result.returncode == 0, result.stderr
    return run, result


@pytest.fixture(scope="session")
def run(fitted: "tuple[Path, subprocess.CompletedProcess[str]]") -> Path:
    return fitted[0]
