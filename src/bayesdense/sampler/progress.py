"""How far sampling has come: a bar in a terminal or a notebook, lines in anything else."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any, Protocol, Self

__all__ = ["COMPILING", "Progress"]

COMPILING = "compiling (once for each kind of model)"

# Seconds from one showing to the next, where nothing is new.
REWRITTEN, LINES = 1.0, 15.0
# After this part of the draws it is said how long the others will take.
EARLY = 10


class _Display(Protocol):
    def show(self, done: int, total: int, text: str) -> None: ...

    def close(self, text: str) -> None: ...


class Progress:
    """Shows how far sampling has come, or nothing where nobody looks.

    Parameters
    ----------
    shown : bool
        False switches it off. When True, a terminal shows a bar, a notebook a
        line that is rewritten in place, and anything else (a file, a pipe) gets
        a line on stderr every quarter of a minute.
    label : str
        What is being done, in front of the bar.

    Examples
    --------
    >>> with Progress(False, "densing5") as progress:
    ...     progress.status("compiling")
    """

    def __init__(self, shown: bool, label: str) -> None:
        self.label = label
        self._display: _Display | None = _choose_display() if shown else None
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        """Start the clock."""
        self._start = time.monotonic()
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave the last state on the screen."""
        if self._display is not None:
            seconds = time.monotonic() - self._start
            outcome = "stopped" if exception[0] is not None else "done"
            self._display.close(f"{self.label}: {outcome} after {_span(seconds)}")

    def status(self, text: str) -> None:
        """Show what is being done while nothing can be counted.

        Parameters
        ----------
        text : str
            A few words.
        """
        if self._display is not None:
            self._display.show(0, 0, f"{self.label}: {text}")

    def chains(self, states: Any) -> None:
        """Show the state of the chains; called by nutpie from its own thread.

        Parameters
        ----------
        states : list of nutpie.ChainProgress
            One for each chain.
        """
        if self._display is None:
            return
        done = sum(int(s.finished_draws) for s in states)
        total = sum(int(s.total_draws) for s in states)
        divergences = sum(int(s.divergences) for s in states if not s.tuning)
        running = max((s.runtime_ms for s in states), default=0) / 1000
        text = f"{self.label}: {done:,} of {total:,} draws, {divergences} divergences"
        # At first a draw takes many times as long as later.
        if total > done > total / EARLY:
            elapsed = max(time.monotonic() - self._start_sampling(running), 1e-9)
            text += f", {_span(elapsed * (total - done) / done)} left"
        self._display.show(done, total, text)

    def count(self, done: int, total: int, what: str) -> None:
        """Show how many of some pieces of work are done.

        Parameters
        ----------
        done, total : int
            Numbers of pieces.
        what : str
            What they are, such as ``"rulers"``.
        """
        if self._display is None:
            return
        text = f"{self.label}: {done:,} of {total:,} {what}"
        elapsed = time.monotonic() - self._start_sampling(0.0)
        if 0 < done < total and elapsed > 1:
            text += f", {_span(elapsed * (total - done) / done)} left"
        self._display.show(done, total, text)

    def _start_sampling(self, running: float) -> float:
        # Compilation counts towards the label's time but not towards the rate.
        if not hasattr(self, "_sampling"):
            self._sampling = time.monotonic() - running
        return self._sampling


class _Terminal:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bar = Bar(*columns, console=Console(stderr=True))
        self._bar.start()
        self._task = self._bar.add_task("", total=None)

    def show(self, done: int, total: int, text: str) -> None:
        self._bar.update(self._task, completed=done, total=total or None, description=text)

    def close(self, text: str) -> None:
        self._bar.update(self._task, completed=1, total=1, description=text)
        self._bar.stop()


class _Watched:
    """What a thread of its own shows, again and again, so that a long step is not taken for a stop.

    Every call that nutpie makes looks like a new thread that never ends, and a kernel keeps a
    socket for each thread that has shown something: after a thousand of them there are no more.
    """

    def __init__(self, every: float) -> None:
        self._text, self._fraction, self._total = "", 0.0, 0
        self._since = time.monotonic()
        self._every, self._news, self._over = every, threading.Event(), False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def show(self, done: int, total: int, text: str) -> None:
        if not total and text != self._text:
            self._since = time.monotonic()
        self._text, self._fraction, self._total = text, done / total if total else 0.0, total
        self._news.set()

    def close(self, text: str) -> None:
        self._over = True
        self._news.set()
        self._thread.join()
        self._write(text, 1.0)

    def _watch(self) -> None:
        while True:
            self._news.wait(self._every)
            self._news.clear()
            if self._over:
                return
            text = self._text
            if text and not self._total:
                text += f", {_span(time.monotonic() - self._since)} so far"
            self._write(text, self._fraction)

    def _write(self, text: str, fraction: float) -> None:
        raise NotImplementedError


class _Notebook(_Watched):
    """A line that is rewritten in place."""

    def __init__(self) -> None:
        from IPython.display import display

        self._handle = display(_Line("", 0.0), display_id=True)
        super().__init__(REWRITTEN)

    def _write(self, text: str, fraction: float) -> None:
        if self._handle is not None:
            self._handle.update(_Line(text, fraction))


class _Lines(_Watched):
    """Lines for a log: one when something begins, and one every so often."""

    def __init__(self, every: float) -> None:
        self._written = float("-inf")
        super().__init__(every)

    def _write(self, text: str, fraction: float) -> None:
        now = time.monotonic()
        if not self._over and (not text or now - self._written < self._every):
            return
        self._written = now
        # Whoever read it may be gone, which is no reason to stop.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)


class _Line:
    """One line of text with a bar, as a notebook shows it."""

    def __init__(self, text: str, fraction: float) -> None:
        self.text, self.fraction = text, fraction

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        import html

        bar = f"<progress max='1' value='{self.fraction:.3f}'></progress> "
        return f"<div>{bar if self.fraction < 1 else ''}{html.escape(self.text)}</div>"


def _choose_display() -> _Display:
    if _in_notebook():
        return _Notebook()
    return _Terminal() if sys.stderr.isatty() else _Lines(LINES)


def _in_notebook() -> bool:
    """Return whether an IPython kernel with rich output runs this code."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _span(seconds: float) -> str:
    """Return a time span as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
