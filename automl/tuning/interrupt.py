"""Ctrl-C and SIGTERM end the training, wherever they meet it; SIGTERM then ends the program, too."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
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
        self._terminates = False

    @contextmanager
    def ends(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the block, where signals can be handled (in the main thread)."""
        try:
            with _handled(self._handle, signal.SIGINT, signal.SIGTERM):
                yield
        except KeyboardInterrupt:
            self.came = True

    def pass_on(self) -> None:
        """Raise a SIGTERM again, for whoever handled it before: it asks the program to end, not the training alone."""
        if self._terminates and signal.getsignal(signal.SIGTERM) is not _ended:
            signal.raise_signal(signal.SIGTERM)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        self._terminates |= number == signal.SIGTERM
        if _in_finaliser(frame):
            threading.Timer(_AGAIN, self._again, (number,)).start()
        else:
            raise KeyboardInterrupt

    def _again(self, number: int) -> None:
        if signal.getsignal(number) == self._handle:
            signal.raise_signal(number)


@contextmanager
def reported() -> Iterator[None]:
    """Let a SIGTERM that ends a training within the block end nothing else: the caller reports, and ends by itself.

    One that comes while nothing is trained ends the program, as it does without this.
    """
    with _handled(_ended, signal.SIGTERM):
        yield


def _ended(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    """Have signals handled so for as long as the block runs, where they can be: in the main thread."""
    here = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in numbers if here}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _in_finaliser(frame: FrameType | None) -> bool:
    """Tell whether Python is in a ``__del__``: what is raised there is printed and lost."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
