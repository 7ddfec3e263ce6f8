"""Compile a model that will be needed soon in a process of its own, while this one does other work.

What it compiles reaches this process by the disk (`object_code.py`).
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from typing import Any

from bayesdense.sampler.backend.object_code import is_stored
from bayesdense.sampler.progress import COMPILING, Progress

__all__ = ["compile_in_another_process", "wait_for"]

_running: dict[Any, subprocess.Popen[bytes]] = {}
# Some code cannot be stored: another process would compile it again and again.
_started: set[Any] = set()


def compile_in_another_process(structure: Any, module: str, given: bytes) -> bool:
    """Start a process that compiles a model, where that is of use.

    Parameters
    ----------
    structure : hashable
        What shapes the graph of the model besides data.
    module : str
        Run as a program that compiles what it reads.
    given : bytes
        What it reads.

    Returns
    -------
    bool
        Whether one was started: not where code is stored, where there is but one
        core, or where this process has started one before.
    """
    if structure in _started or cores() < 2 or is_stored(structure):
        return False
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for this process, which ends the other.
            start_new_session=True,
        )
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(given)
    except OSError:
        # It will be compiled here.
        return False
    _running[structure] = process
    _started.add(structure)
    return True


def wait_for(structure: Any, shown: Progress) -> None:
    """Wait until a model is compiled, if a process was started for it.

    Parameters
    ----------
    structure : hashable
        As for `compile_in_another_process`.
    shown : Progress
        Told of the wait.
    """
    process = _running.pop(structure, None)
    if process is None:
        return
    shown.status(COMPILING)
    try:
        process.wait()
    finally:
        process.kill()


def cores() -> int:
    """Return how many processors this process may use.

    Returns
    -------
    int
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


@atexit.register
def _end() -> None:
    for process in _running.values():
        process.kill()
