"""Add a model family of your own: it is trained, scored, ensembled and saved like every other.

Run it with ``python examples/custom_family.py``.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl import AutoML, register_family
from automl.data.table import ProblemType
from automl.features.matrix import Matrix, Needs
from automl.models.base import Family, FitContext, FoldData, Model, Params, Progress, Shape, Space


@dataclass(frozen=True, eq=False)
class CentroidModel(Model):
    """The centre of each class."""

    centers: NDArray[np.float32]

    def predict(self, X: Matrix) -> NDArray[np.float64]:
        """Return probabilities that fall with the squared distance to the centres."""
        distances = ((X.dense[:, None] - self.centers) ** 2).sum(axis=2) / X.columns
        weights = np.exp(distances.min(axis=1, keepdims=True) - distances, dtype=np.float64)
        return weights / weights.sum(axis=1, keepdims=True)

    def save(self, folder: Path) -> None:
        """Write ``centers.npy``."""
        np.save(folder / "centers.npy", self.centers)


class Centroid(Family):
    """Nearest centroid: one centre a class."""

    name = "centroid"
    problem_types = (ProblemType.BINARY, ProblemType.MULTICLASS)

    def needs(self, params: Params) -> Needs:
        """Ask for complete, scaled numbers."""
        return Needs(missing="impute", categories="onehot", scaling="standard")

    def portfolio(self, shape: Shape) -> tuple[Params, ...]:
        """There is nothing to choose."""
        return ({},)

    def space(self, shape: Shape) -> Space:
        """There is nothing to search."""
        return {}

    def fit(self, data: FoldData, params: Params, context: FitContext) -> Generator[Progress, None, Model]:
        """Average the rows of each class; a class that is absent from this fold gets the centre of all."""
        yield from ()
        X, y = data.X_train.dense, data.y_train
        return CentroidModel(
            np.stack(
                [X[y == k].mean(axis=0) if (y == k).any() else X.mean(axis=0) for k in range(context.shape.n_classes)]
            )
        )

    def load(self, folder: Path) -> Model:
        """Read ``centers.npy``."""
        return CentroidModel(np.load(folder / "centers.npy", allow_pickle=False))

    def memory(self, shape: Shape, params: Params) -> int:
        """Return the bytes of the distances to every centre."""
        return 4 * shape.rows * shape.columns * shape.n_classes


register_family(Centroid())

if __name__ == "__main__":
    churn = Path(__file__).parents[1] / "datasets" / "churn.csv"
    model = AutoML(max_trials=3, folds=2, families=("lightgbm", "linear", "centroid")).fit(churn, target="churn")
    print(model.board_.to_text())
