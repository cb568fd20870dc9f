"""Create the virtual environments of the peers: ``python -m benchmarks.environments FOLDER [NAME ...]``.

Every peer has an environment of its own, ``FOLDER/NAME``, because their requirements exclude each other. Versions are
not pinned: a result says what was installed. An environment whose installation ended well is left as it is. ``pip`` is
told of mirrors and constraints (for example a CPU build of torch, which saves gigabytes) in its own environment
variables, ``PIP_CONSTRAINT`` and the like.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = {
    "autogluon": ("autogluon.tabular[lightgbm,catboost,xgboost,fastai,ray]",),
    "flaml": ("flaml[automl]", "catboost"),
    "mljar": ("mljar-supervised",),
    "lightautoml": ("lightautoml",),
    "h2o": ("h2o", "pandas", "numpy"),
    "mlflow": ("mlflow", "lightgbm", "pandas"),
    "litserve": ("litserve", "lightgbm"),
    "bentoml": ("bentoml", "lightgbm"),
    "boosting": ("lightgbm", "catboost", "pandas", "scikit-learn"),
}
INSTALLED = "installed.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(REQUIREMENTS), metavar="NAME", help=f"of {list(REQUIREMENTS)}")
    options = parser.parse_args()
    for name in options.names:
        create(options.folder / name, REQUIREMENTS[name])


def create(place: Path, requirements: tuple[str, ...]) -> None:
    """Make a virtual environment with these requirements unless it is there already."""
    if (place / INSTALLED).exists():
        print(f"{place} is there", file=sys.stderr)
        return
    venv.create(place, clear=True, with_pip=True)
    python = str(interpreter(place))
    subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
    installed = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    (place / INSTALLED).write_text(installed, encoding="utf-8")


def interpreter(place: Path) -> Path:
    """Return the Python of an environment."""
    return place / "bin" / "python"


if __name__ == "__main__":
    main()
