"""Find out which distributions a served model needs, by serving it.

Run as ``python -m automl.deploy.pins MODEL server|hosting``, in a process of its own: it prints ``{name: version}`` as
JSON.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

from automl import signature
from automl.artifact import load
from automl.models.registry import get_family
from automl.predictor import Predictor
from automl.threads import limited_threads


def needed(predictor: Predictor) -> dict[str, str]:
    """Return the installed versions of all distributions, automl aside, that a model needs in this process.

    Those are what was imported from, the libraries of the model's families, which may be used without an import, and
    what checks a signature if there is one.
    """
    owners = packages_distributions()
    modules = {name.partition(".")[0] for name in sys.modules}
    names = {owner for module in modules for owner in owners.get(module, ())}
    names |= {get_family(member["family"]).library for member in predictor.manifest["members"]}
    names |= {"cryptography"} if (predictor.folder / signature.NAME).exists() else set()
    return {name: version(name) for name in sorted(names - {"automl"}, key=str.lower)}


def serve_once(predictor: Predictor, way: str) -> None:
    """Import and call what answers requests; nothing else, so that the other way needs no more than it does."""
    if way == "server":
        from automl.deploy.server import create_app

        with limited_threads(1):  # as a server does
            create_app(predictor)
        return
    from automl.deploy import hosting
    from automl.deploy.openapi import example_request

    model = hosting.model_fn(str(predictor.folder))
    request = hosting.input_fn(json.dumps(example_request(predictor)), "application/json")
    hosting.output_fn(hosting.predict_fn(request, model), "application/json")


if __name__ == "__main__":
    served = load(Path(sys.argv[1]))
    serve_once(served, sys.argv[2])
    print(json.dumps(needed(served)))
