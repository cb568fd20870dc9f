"""MLflow's scoring server: the model as a ``pyfunc`` that gets a frame, as its users have it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import mlflow.pyfunc

CODE = """
import mlflow.pyfunc
from trees import Trees

class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self._trees = Trees(context.artifacts["folder"])

    def predict(self, context, model_input, params=None):
        return self._trees.predict(model_input.to_dict("records"))

mlflow.models.set_model(Model())
"""

if __name__ == "__main__":
    folder, port = Path(sys.argv[1]), sys.argv[2]
    code, place = folder / "pyfunc.py", folder / "mlflow"
    code.write_text(CODE, encoding="utf-8")
    shutil.rmtree(place, ignore_errors=True)
    trees = str(Path(__file__).with_name("trees.py"))
    model = {"python_model": str(code), "artifacts": {"folder": str(folder / "trees")}, "code_paths": [trees]}
    mlflow.pyfunc.save_model(place, **model, pip_requirements=[])
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(place), "-p", port]
    os.execv(sys.executable, [*command, "--env-manager", "local", "--workers", "1"])
