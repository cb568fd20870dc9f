"""Ctrl-C and SIGTERM end the training, wherever they meet it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN: Final = 0.02
"""Seconds after which a signal that met a finaliser is raised again."""


class Interrupt:
    """Ends a block at once when a signal asks for it, and remembers that it did.

    Examples
    --------
    >>> interrupt = Interrupt()
    >>> with interrupt.ends():
    ...     signal.raise_signal(signal.SIGINT)
    ...     print("never reached")
    >>> interrupt.came
    True
    """

    def __init__(self) -> None:
        self.came = False
        """Whether a signal came; for libraries that turn what is raised in a callback into an error of their own."""

    @contextmanager
    def ends(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the block, where signals can be handled (in the main thread)."""
        handled = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGINT, signal.SIGTERM) if handled else ()
        before = {number: signal.signal(number, self._handle) for number in numbers}
        try:
            yield
        except KeyboardInterrupt:
            self.came = True
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        if _in_finaliser(frame):
            threading.Timer(_AGAIN, self._again, (number,)).start()
        else:
            raise KeyboardInterrupt

    def _again(self, number: int) -> None:
        if signal.getsignal(number) == self._handle:
            signal.raise_signal(number)


def _in_finaliser(frame: FrameType | None) -> bool:
    """Tell whether Python is in a ``__del__``: what is raised there is printed and lost."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
