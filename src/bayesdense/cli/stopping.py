"""Signals that end a command: each stops it as Ctrl-C does, with an exit code of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Stopped", "came", "exit_code", "hold_signals", "stop_on_signals"]

# A closed terminal sends SIGHUP, a batch system or a container that ends sends SIGTERM.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
USUAL = (signal.SIG_DFL, signal.default_int_handler)


class Stopped(KeyboardInterrupt):
    """A signal that asks the command to end."""


class _State:
    """The signal that came, and whether none may stop the command."""

    number: int = signal.SIGINT
    came = False
    held = False


_state = _State()


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise `Stopped` in the main thread when a signal asks the process to end.

    Signals that are ignored, as in a job that ``nohup`` started, or that
    somebody else handles, stay so. The usual behaviour is back at the end.
    """
    before: dict[signal.Signals, Any] = {}
    terminals = [stream for stream in (1, 2) if _is_terminal(stream)]

    def stop(number: int, _: object) -> None:
        _state.number, _state.came = number, True
        if number != signal.SIGINT and number != signal.SIGTERM:
            _forget(terminals)
        if not _state.held:
            raise Stopped

    _state.number, _state.held = signal.SIGINT, False
    # Python lets no other thread set a handler.
    if threading.current_thread() is threading.main_thread():
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) in USUAL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def hold_signals() -> Iterator[None]:
    """Let no signal stop what must not be half done; it takes milliseconds."""
    _state.held = True
    try:
        yield
    finally:
        _state.held = False


def came() -> bool:
    """Return whether a signal asked the process to end.

    Returns
    -------
    bool
    """
    return _state.came


def exit_code() -> int:
    """Return the exit code of a command that was stopped: 128 and the number of the signal.

    Returns
    -------
    int
        130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
    """
    return 128 + int(_state.number)


def _is_terminal(stream: int) -> bool:
    try:
        return os.isatty(stream)
    except OSError:
        return False


def _forget(terminals: list[int]) -> None:
    """Write to nowhere instead of to a terminal that is closed, which would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in terminals:
        os.dup2(nowhere, stream)
    os.close(nowhere)
