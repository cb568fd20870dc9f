"""Ask a running endpoint what it must know: `python smoke_test.py [URL]`. Needs nothing but Python.

Sends the first key of AUTOML_API_KEYS.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

FOLDER = Path(__file__).parent
HEADERS = {
    "content-type": "application/json",
    "x-api-key": os.environ.get("AUTOML_API_KEYS", "").split(",")[0].strip(),
}


def ask(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    try:
        with urlopen(Request(url, body, HEADERS), timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def wait(url: str, seconds: float = 60.0) -> None:
    """Return when something listens, or has not for so long."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            ask(f"{url}/ping")
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"nothing listens on {url}")


def alike(found: object, expected: object) -> bool:
    """Return whether two answers are equal, but for the last digits of numbers."""
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-5, abs_tol=1e-7)
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(alike(found[name], expected[name]) for name in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(alike, found, expected))
    return found == expected


def main(url: str = "http://127.0.0.1:8080") -> int:
    """Print what holds and what does not; return 0 if all does."""
    wait(url)
    request = (FOLDER / "example_request.json").read_bytes()
    expected = json.loads((FOLDER / "example_answer.json").read_bytes())
    rows = json.dumps({"instances": json.loads(request)["rows"]}).encode()
    checks = {"GET /ping": ask(f"{url}/ping")[0] == 200, "GET /version": ask(f"{url}/version")[0] == 200}
    for path, body in {"/predict": request, "/invocations": rows}.items():
        status, answer = ask(url + path, body)
        checks[f"POST {path}"] = status == 200 and alike(json.loads(answer), expected)
    checks["a body that is no request is refused"] = ask(f"{url}/predict", b'{"rows": 1}')[0] == 422
    for what, holds in checks.items():
        print("ok    " if holds else "FAILED", what)
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
