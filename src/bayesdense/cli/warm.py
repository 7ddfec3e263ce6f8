"""Command that compiles before the first fit."""

from __future__ import annotations

from typing import Annotated

import typer

from bayesdense.cli.common import chosen_by_default, plain_errors
from bayesdense.cli.options import Quiet

__all__ = ["warm"]


def warm(
    dataset: Annotated[
        str, typer.Argument(help="Of the kind that will be fitted: losses or not, and so on.")
    ] = "densing5",
    trend: Annotated[
        str, typer.Option(metavar="NAME", help="As for fit.", show_default=True)
    ] = "linear",
    quiet: Quiet = False,
) -> None:
    """Compile what the first fit needs, for an image of a container or for a cluster.

    Code is kept below PyTensor's folder for compiled code (~/.pytensor, or what
    PYTENSOR_FLAGS=base_compiledir=FOLDER says), and serves data of any size
    on processors of the same kind.

    Example: bayesdense warm
    """
    with plain_errors(lambda: "what was compiled until then is kept"):
        data = chosen_by_default(dataset)

        from bayesdense.models import DensityModel
        from bayesdense.models.compile_ahead import warm as compile_all

        compile_all(DensityModel(trend=trend), data, progressbar=not quiet)
        typer.echo(f"Compiled: the {trend} model and its references, for data like {dataset}.")
