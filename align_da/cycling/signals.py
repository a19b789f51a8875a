"""SIGTERM and SIGINT ask the driver to stop after the forecast or the analysis in hand.

A second signal does what it did before, and so ends the process: the store survives that at any
instant.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HANDLED = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether a signal has asked to stop, and the exit code that this means."""

    def __init__(self) -> None:
        self.exit_code = 0

    @property
    def received(self) -> bool:
        """Whether to stop."""
        return self.exit_code != 0


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Record the first signal within the block; must be entered in the main thread.

    Yields:
        The request: exit code 130 after SIGINT, 143 after SIGTERM.
    """
    request = StopRequest()
    before = {number: signal.getsignal(number) for number in _HANDLED}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def receive(number: int, _frame: FrameType | None) -> None:
        request.exit_code = 128 + number
        restore()

    for number in _HANDLED:
        signal.signal(number, receive)
    try:
        yield request
    finally:
        restore()
