"""The examples run as they are written."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("quickstart.py", "4"), "expected ROC AUC 0."),
        (("serve_and_call.py",), '"predictions"'),
        (("custom_family.py",), "centroid"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_example_runs(command: tuple[str, ...], shown: str, tmp_path: Path) -> None:
    script, *options = command
    process = subprocess.run(
        [sys.executable, EXAMPLES / script, *options], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert process.returncode == 0, process.stderr
    assert shown in process.stdout


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"quickstart.py", "serve_and_call.py", "custom_family.py"}
