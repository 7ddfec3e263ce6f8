"""The command line: parse, call, print.

Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 a posterior not to be trusted,
130 interrupted, 143 terminated. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from bayesdense.cli.datasets import datasets, validate
from bayesdense.cli.fit import fit, show
from bayesdense.cli.place import place
from bayesdense.cli.sensitivity import sensitivity
from bayesdense.cli.stopping import came
from bayesdense.cli.warm import warm

__all__ = ["app", "main"]

app = typer.Typer(
    help="Bayesian models for the Densing Law of large language models: how fast does the "
    "capability of a parameter double?",
    epilog="Start with: bayesdense fit densing5 --out out/densing5",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point of the package.

    Examples
    --------
    >>> main()  # doctest: +SKIP
    """
    for stream in (sys.stdout, sys.stderr):
        # A console of another encoding shows what it lacks as an escape, and loses no result.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="bayesdense")
    except SystemExit as stop:
        if came() and isinstance(stop.code, int):
            # Threads of the sampler may still be in compiled code, which an interpreter that is
            # being taken down does not survive.
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(stop.code)
        raise


def _version(wanted: bool) -> None:
    if wanted:
        from bayesdense._version import __version__

        typer.echo(f"bayesdense {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


app.command()(datasets)
app.command(short_help="Check a folder of tables.")(validate)
app.command(short_help="Fit a dataset; write fits, tables and figures.")(fit)
app.command()(show)
app.command(short_help="Place new models in a saved fit, without another.")(place)
app.command(short_help="Fit a dataset under many choices; write a table and a figure.")(sensitivity)
app.command(short_help="Compile what the first fit needs, before it.")(warm)


if __name__ == "__main__":
    main()
