"""What a start may not cost, counted in imported modules, not in seconds."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "pandas", "sklearn", "ray", "optuna", "lightgbm", "xgboost", "catboost", "duckdb", "fastapi", "rich"}


def imported(*command: str) -> set[str]:
    """Return the top-level modules that a Python process imports."""
    result = subprocess.run([sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True)
    names = [line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (("-c", "import automl"), "automl"),
        (("-m", "automl", "--help"), "typer"),
        (("-m", "automl", "fit", "-h"), "typer"),
    ],
)
def test_a_start_imports_nothing_heavy(command: tuple[str, ...], wanted: str) -> None:
    modules = imported(*command)
    assert wanted in modules
    assert not modules & HEAVY
