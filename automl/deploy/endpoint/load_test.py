"""Send the example request from many clients at once: `python load_test.py --help`. Needs nothing but Python.

Sends the first key of AUTOML_API_KEYS.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

HEADERS = {
    "content-type": "application/json",
    "x-api-key": os.environ.get("AUTOML_API_KEYS", "").split(",")[0].strip(),
}


def client(host: str, body: bytes, ends: float) -> tuple[list[float], int]:
    """Ask until the end; return the seconds of each answer, and how many requests had none or not the right one."""
    connection, seconds, failed = HTTPConnection(host, timeout=30), [], 0
    while (started := time.perf_counter()) < ends:
        try:
            connection.request("POST", "/predict", body, HEADERS)
            answer = connection.getresponse()
            answer.read()
            failed += answer.status != 200
        except (OSError, HTTPException):
            connection.close()
            failed += 1
            time.sleep(0.1)
        seconds.append(time.perf_counter() - started)
    connection.close()
    return seconds, failed


def main() -> int:
    """Print requests per second and how long they took; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    body = (Path(__file__).parent / "example_request.json").read_bytes()
    started = time.perf_counter()
    with ThreadPoolExecutor(given.clients) as pool:
        host, ends = urlsplit(given.url).netloc, started + given.seconds
        results = list(pool.map(lambda _: client(host, body, ends), range(given.clients)))
    wall = time.perf_counter() - started
    times = sorted(second for seconds, _ in results for second in seconds)
    failed = sum(failed for _, failed in results)
    median, p95, p99 = (1000 * times[int(share * (len(times) - 1))] for share in (0.5, 0.95, 0.99))
    print(f"{len(times)} requests from {given.clients} clients in {wall:.1f} s: {len(times) / wall:.0f} per second")
    print(f"milliseconds: {median:.1f} median, {p95:.1f} p95, {p99:.1f} p99, {1000 * times[-1]:.1f} longest")
    print(f"failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
