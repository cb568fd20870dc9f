"""What the examples in docstrings say is so."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import automl

PACKAGE = Path(automl.__file__).parent
WITH_EXAMPLES = [place for place in sorted(PACKAGE.rglob("*.py")) if ">>> " in place.read_text(encoding="utf-8")]


@pytest.mark.parametrize("place", WITH_EXAMPLES, ids=lambda place: place.relative_to(PACKAGE).as_posix())
def test_examples_in_docstrings_hold(place: Path) -> None:
    module = import_module(".".join(place.relative_to(PACKAGE.parent).with_suffix("").parts))
    assert doctest.testmod(module).failed == 0
