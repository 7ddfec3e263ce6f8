"""Commands about tables: what is shipped, and whether a folder is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayesdense.commands.common import plain_errors
from bayesdense.console import make_console, print_frame, say

__all__ = ["datasets", "validate"]


def datasets() -> None:
    """List the datasets that come with the package.

    Example: bayesdense datasets
    """
    with plain_errors():
        from bayesdense.data import list_datasets

        print_frame(make_console(), list_datasets())


def validate(
    folder: Annotated[Path, typer.Argument(help="Folder with models.csv and the other tables.")],
) -> None:
    """Check a folder of tables: every problem at once, or what the tables hold.

    Whether the data can also answer the question, a reference family that
    informs every benchmark and dates spread enough for a trend, is said in a
    note: data may be valid without it.

    Example: bayesdense validate my-data
    """
    with plain_errors():
        from bayesdense.data import check_readiness, read_dataset
        from bayesdense.data import validate as report
        from bayesdense.errors import ReadinessError

        data = read_dataset(folder)
        console = make_console()
        print_frame(console, report(data))
        say(console, f"{data!r}")
        say(console, "The tables are valid.", style="green")
        try:
            for note in check_readiness(data):
                say(console, f"note: {note}")
        except ReadinessError as error:
            say(console, f"note: {error}")
