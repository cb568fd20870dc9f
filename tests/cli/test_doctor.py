import json

import pytest

from automl.cli import main
from automl.cli.doctor import _loading, _packages


def test_doctor_finds_this_machine_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert all(check["ok"] for check in checks.values())
    assert {"automl", "python", "cores", "memory", "gpu", "lightgbm", "import lightgbm", "import ray.tune"} <= set(
        checks
    )


def test_every_requirement_is_checked_by_its_name() -> None:
    names = [check.name for check in _packages()]
    assert "ray" in names
    assert "scikit-learn" in names
    assert "pytest" not in names


def test_a_library_that_does_not_load_fails() -> None:
    check = next(_loading(["no_such_library"]))
    assert not check.ok
    assert check.value == "ModuleNotFoundError: No module named 'no_such_library'"
