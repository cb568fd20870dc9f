"""A signal ends the training wherever it meets it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from automl.tuning.interrupt import Interrupt, reported


def wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class Slow:
    """What a booster is when its native memory is freed: a finaliser that takes its time."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)
        wait(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block(number: signal.Signals) -> None:
    interrupt, before = Interrupt(), signal.getsignal(number)
    with interrupt.ends():
        signal.raise_signal(number)
        pytest.fail("went on")
    assert interrupt.came
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_not_lost_in_a_finaliser(number: signal.Signals) -> None:
    interrupt = Interrupt()
    with interrupt.ends():
        model = Slow(number)
        del model  # an exception here would be printed, forgotten, and fail this test as unraisable
        wait(10)
        pytest.fail("went on")
    assert interrupt.came


def test_a_signal_that_comes_again_too_late_disturbs_nobody() -> None:
    interrupt = Interrupt()
    with interrupt.ends():
        model = Slow(signal.SIGINT)
        del model
    wait(0.1)
    assert interrupt.came


def test_without_a_signal_nothing_came() -> None:
    interrupt = Interrupt()
    with interrupt.ends():
        pass
    assert not interrupt.came


def test_other_errors_pass() -> None:
    interrupt = Interrupt()
    with pytest.raises(ValueError, match="own"), interrupt.ends():
        raise ValueError("own")
    assert not interrupt.came


def test_it_can_be_used_where_signals_cannot() -> None:
    interrupt, done = Interrupt(), []

    def work() -> None:
        with interrupt.ends():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_what_a_callback_raises_counts_too() -> None:
    interrupt = Interrupt()
    with interrupt.ends():
        raise KeyboardInterrupt
    assert interrupt.came


@pytest.fixture
def asked() -> Iterator[list[int]]:
    """Stand for a program that notes the SIGTERMs that reach it."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("number", "reaches"), [(signal.SIGTERM, [signal.SIGTERM]), (signal.SIGINT, [])])
def test_sigterm_is_passed_on_and_ctrl_c_is_not(
    asked: list[int], number: signal.Signals, reaches: list[signal.Signals]
) -> None:
    interrupt = Interrupt()
    with interrupt.ends():
        signal.raise_signal(number)
    assert asked == []
    interrupt.pass_on()
    assert asked == reaches


def test_without_a_signal_nothing_is_passed_on(asked: list[int]) -> None:
    interrupt = Interrupt()
    with interrupt.ends():
        pass
    interrupt.pass_on()
    assert asked == []


def test_sigterm_in_a_training_that_is_reported_reaches_nobody(asked: list[int]) -> None:
    with reported():
        interrupt = Interrupt()
        with interrupt.ends():
            signal.raise_signal(signal.SIGTERM)
        interrupt.pass_on()
    assert interrupt.came
    assert asked == []
    signal.raise_signal(signal.SIGTERM)
    assert asked == [signal.SIGTERM]


RAISED = "signal.raise_signal(signal.SIGTERM)"
PROGRAM = "import signal; from automl.tuning.interrupt import Interrupt, reported; interrupt = Interrupt()\n"


@pytest.mark.parametrize(
    "block",
    [
        f"with interrupt.ends(): {RAISED}\ninterrupt.pass_on()",
        f"with reported(): {RAISED}",
    ],
)
def test_a_program_that_handles_no_sigterm_ends_by_it(block: str) -> None:
    code = f"{PROGRAM}{block}\nprint('went on')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, b"")
