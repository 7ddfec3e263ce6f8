"""Write files and folders completely or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["replace_folder", "write_file", "write_text"]


def write_file(file: Path, write: Callable[[Path], Any]) -> None:
    """Write a file beside its destination, and rename it when it is complete and on the disk.

    A process that is killed leaves an older file whole; of several processes
    or threads that write the same file, the last one wins.

    Parameters
    ----------
    file : pathlib.Path
        The file; its folder must exist.
    write : callable
        Writes the content to the path that it is given.

    Raises
    ------
    OSError
        If the file cannot be written; nothing is left behind.
    """
    # Not by mkstemp, which makes files that only their owner can read.
    scratch = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    scratch.touch(exist_ok=False)
    try:
        write(scratch)
        with scratch.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(scratch, file)
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()


def write_text(file: Path, text: str) -> None:
    """Write a text file completely or not at all.

    Parameters
    ----------
    file : pathlib.Path
        The file; its folder must exist.
    text : str
        Its content.
    """
    write_file(file, lambda scratch: scratch.write_text(text, encoding="utf-8"))


def replace_folder(folder: Path, write: Callable[[Path], Any]) -> None:
    """Write a folder beside its destination, and put it in the place of the older one.

    Parameters
    ----------
    folder : pathlib.Path
        The folder; its parent must exist.
    write : callable
        Writes the content into the empty folder that it is given.

    Raises
    ------
    OSError
        If the folder cannot be written; the older one is whole.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fresh, aside = scratch / "new", scratch / "old"
        fresh.mkdir()
        write(fresh)
        if not folder.exists():
            os.replace(fresh, folder)
            return
        os.replace(folder, aside)
        try:
            os.replace(fresh, folder)
        except OSError:
            os.replace(aside, folder)
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
