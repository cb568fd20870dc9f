"""LitServe with its batching."""

import sys
from pathlib import Path
from typing import Any

import litserve
from trees import Trees

FOLDER = Path(sys.argv[1]) / "trees"


class Predictions(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self._trees = Trees(FOLDER)

    def decode_request(self, request):  # with a type, LitServe would look for it in the query
        return request["rows"][0]

    def batch(self, inputs: list[Any]) -> list[Any]:
        return list(inputs)

    def predict(self, rows: list[dict[str, Any]]) -> list[float]:
        return self._trees.predict(rows)

    def unbatch(self, output: list[float]) -> list[float]:
        return output

    def encode_response(self, output: float) -> dict[str, list[float]]:
        return {"predictions": [output]}


if __name__ == "__main__":
    predictions = Predictions(max_batch_size=64, batch_timeout=0.002)
    server = litserve.LitServer(predictions, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="error", generate_client_file=False)
