"""Ctrl-C and SIGTERM during a run: the first one asks it to stop after the step at hand."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any, Self

# torchrun passes on a signal that the terminal has sent to every process already.
_ECHO_SECONDS = 1.0


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended the run where it can go on; nothing is lost.

    Attributes:
        exit_code: for the process, 128 and the signal's number.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Interrupts:
    """Notes the first Ctrl-C or SIGTERM between `with` and its end; a later one ends all at once.

    Attributes:
        noted: the signal's number; None while there was none.
    """

    def __init__(self) -> None:
        self.noted: int | None = None
        self._at = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.noted is None:
            self.noted, self._at = number, now
        elif now > self._at + _ECHO_SECONDS:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
