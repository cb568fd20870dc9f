"""One of several processes that answer at one address: ``python -m automl.deploy.worker MODEL DESCRIPTOR``."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

from automl.deploy.listening import exit_on_sigterm, run
from automl.deploy.options import ServeOptions
from automl.deploy.server import open_app
from automl.errors import AutoMLError


def work(arguments: Sequence[str]) -> None:
    """Answer at an inherited socket; the options come on standard input."""
    path, descriptor = arguments
    options = ServeOptions.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with, args=[sys.stdin], daemon=True).start()

    first = os.fdopen(os.dup(1), "w")  # the first process; nothing else must be said there: it reads a line or two
    os.dup2(2, 1)

    def say(**values: Any) -> None:
        print(json.dumps(values), file=first, flush=True)

    with exit_on_sigterm():
        try:
            app = open_app(path, options)
        except AutoMLError as error:
            say(error=str(error))
            sys.exit(error.exit_code)
        run(app, socket.socket(fileno=int(descriptor)), ready=lambda: say(ready=True))


def _end_with(stream: IO[str]) -> None:
    """End when the first process has ended: the other end of the stream is closed then."""
    stream.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    work(sys.argv[1:])
