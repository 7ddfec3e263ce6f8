"""Commands about tables: what is shipped, and whether a folder is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayesdense.cli.common import plain_errors, shipped
from bayesdense.cli.printing import make_console, print_frame, say

__all__ = ["datasets", "validate"]


def datasets() -> None:
    """List the datasets that come with the package.

    Example: bayesdense datasets
    """
    with plain_errors():
        from bayesdense.data import list_datasets

        print_frame(make_console(), list_datasets())


def validate(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder with models.csv and the other tables, or a shipped dataset."),
    ],
) -> None:
    """Check a folder of tables: every kind of problem at once, or what the tables hold.

    Whether the data can also answer the question, a reference family that
    informs every benchmark and dates spread enough for a trend, is said in a
    note: data may be valid without it.

    Example: bayesdense validate my-data
    """
    with plain_errors():
        from bayesdense.data import check_readiness, load_dataset, read_dataset
        from bayesdense.data import validate as report
        from bayesdense.errors import ReadinessError

        named = str(folder) in shipped() and not folder.is_dir()
        data = load_dataset(str(folder)) if named else read_dataset(folder)
        console = make_console()
        print_frame(console, report(data))
        say(console, f"{data!r}")
        say(console, "The tables are valid.", style="green")
        try:
            for note in check_readiness(data):
                say(console, f"note: {note}")
        except ReadinessError as error:
            say(console, f"note: {error}")
