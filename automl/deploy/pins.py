"""Find out which distributions a served model needs, by serving it.

Run as ``python -m automl.deploy.pins MODEL``, in a process of its own: it prints ``{name: version}`` as JSON.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

from automl.artifact import load
from automl.deploy.server import create_app


def loaded() -> dict[str, str]:
    """Return the installed versions of all distributions, automl aside, that this process has imported from."""
    owners = packages_distributions()
    modules = {name.partition(".")[0] for name in sys.modules}
    names = {owner for module in modules for owner in owners.get(module, ())} - {"automl"}
    return {name: version(name) for name in sorted(names, key=str.lower)}


if __name__ == "__main__":
    create_app(load(Path(sys.argv[1])))
    print(json.dumps(loaded()))
