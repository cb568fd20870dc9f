"""A model as hosts take it: ``model.tar.gz`` with the model and the code that answers for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from automl import archive
from automl.artifact import copy
from automl.deploy import hosting
from automl.deploy.sources import copy_sources, pins
from automl.predictor import Predictor


def write_sagemaker(predictor: Predictor, to: Path, key: Path | None) -> None:
    """Write a new ``.tar.gz`` file; the model in it is signed if there is a ``key``.

    ::

        model/                  the model, as an artifact
        code/inference.py       model_fn, input_fn, predict_fn, output_fn
        code/requirements.txt   what they need; the host installs it
        code/automl/            the sources of this package, beside inference.py, where it looks first

    Raises
    ------
    AutoMLError
        If the model needs a family that is not in this package, or does not start.
    """
    with TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as beside:
        content = Path(beside) / "content"
        model, code = content / "model", content / "code"
        copy(predictor, model, key=key)
        copy_sources(predictor, code)
        shutil.copyfile(hosting.__file__, code / "inference.py")
        lines = [f"{name}=={version}\n" for name, version in pins(code, model, "hosting").items()]
        (code / "requirements.txt").write_text("".join(lines), encoding="ascii")
        archive.pack(content, to)
