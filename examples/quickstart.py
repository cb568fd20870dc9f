"""Train on a table, look at the leaderboard, predict: the whole path in Python.

Run it with ``python examples/quickstart.py [seconds]``.
"""

import sys
from pathlib import Path

import pandas as pd

from automl import AutoML, load

churn = pd.read_csv(Path(__file__).parents[1] / "datasets" / "churn.csv")
train, new = churn.iloc[:-100], churn.iloc[-100:]
seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30

model = AutoML(time_budget=seconds, metric="roc_auc")
model.fit(train, target="churn")

score = model.score_
print(model.leaderboard_.to_string())
print(f"expected ROC AUC {score.value:.3f}, on new data {score.low:.3f} to {score.high:.3f}")
print(f"on 100 rows it has not seen: {model.evaluate(new)['roc_auc']:.3f}")

predictor = load(model.run_)
print(predictor.predict_frame(new.head(), proba=True))
