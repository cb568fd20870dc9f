"""Train, export, serve, and ask for a prediction over HTTP as another program would.

Run it with ``python examples/serve_and_call.py``.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from automl import AutoML, load

AUTOML = [sys.executable, "-m", "automl"]

churn = Path(__file__).parents[1] / "datasets" / "churn.csv"
run = AutoML(max_trials=1).fit(churn, target="churn").run_
model = run / "exported"
subprocess.run([*AUTOML, "export", run, "--to", model], check=True)

server = subprocess.Popen([*AUTOML, "serve", model, "--port", "0"], stderr=subprocess.PIPE, text=True)
assert server.stderr is not None
address = server.stderr.readline().removeprefix("listening on ").strip()
try:
    rows = load(model).example_rows()[:2]
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{address}/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        print(json.dumps(json.load(response), indent=2))
finally:
    server.terminate()
    server.communicate()
