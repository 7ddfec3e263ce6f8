"""`bayesdense place`: where new models stand in a saved fit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bayesdense.cli.common import NOT_TRUSTED, named_data, plain_errors
from bayesdense.cli.options import Prob

__all__ = ["place"]


def place(
    fit: Annotated[
        str,
        typer.Argument(
            help="densing5, the fit that comes with the package; or a saved one, such as "
            "out/densing5/linear.nc."
        ),
    ],
    score: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A score, such as MMLU=0.76; may be repeated."),
    ] = None,
    params: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="All parameters, such as 8e9.")
    ] = None,
    active: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Active parameters, where they differ.")
    ] = None,
    date: Annotated[
        str | None, typer.Option(metavar="DAY", help="Day of release, such as 2026-05-01.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Its family, if the fit knows it.")] = None,
    developer: Annotated[
        str | None, typer.Option(help="Its developer, if the fit knows it.")
    ] = None,
    name: Annotated[str, typer.Option(help="What to call the model.")] = "new model",
    harness: Annotated[str | None, typer.Option(help="What measured the scores.")] = None,
    models: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Several models: tables as of a dataset.")
    ] = None,
    prior: Annotated[
        str, typer.Option(help="What is expected before any score: trend or none.")
    ] = "trend",
    weights: Annotated[
        str, typer.Option(help="ruler: the fit as it is. fitted: as if the models were in it.")
    ] = "ruler",
    prob: Prob = 0.9,
) -> None:
    """Place new models in a saved fit: density, place on the trend, scores out of line.

    Nothing is fitted, and nothing written. Exit code 3 says that the fit is not
    to be trusted; how it was made says: bayesdense show densing5

    Example: bayesdense place densing5 --params 8e9 --date 2025-05-01
    --score MMLU=0.76 --score MATH=0.61
    """
    with plain_errors():
        one = {
            "n_params": params,
            "n_active": active,
            "release_date": date,
            "family": family,
            "developer": developer,
            "harness": harness,
        }
        given: dict[str, Any] = {key: value for key, value in one.items() if value is not None}
        scores = _scores(score or [])
        if models is None:
            given |= {"model": name, "scores": scores}
        elif given or scores:
            from bayesdense.errors import BayesdenseError

            raise BayesdenseError(
                "--models has everything about its models: give no other model or score beside it"
            )
        from bayesdense.fit import DensityFit, load_fit
        from bayesdense.posterior.intervals import check_prob

        check_prob(prob)
        loaded = load_fit(fit)
        if not isinstance(loaded, DensityFit):
            from bayesdense.errors import BayesdenseError

            raise BayesdenseError(f"{fit} is a fit of a ruler alone, which has no densities")
        placed = loaded.place(
            None if models is None else named_data(models), prior=prior, weights=weights, **given
        )
        typer.echo(f"In {placed.of}:\n")
        typer.echo(placed.headline(prob=prob))
        report = loaded.checks()
        if not report.trusted:
            typer.echo(f"\n{report.verdict}")
            raise typer.Exit(NOT_TRUSTED)


def _scores(given: list[str]) -> dict[str, float]:
    """Return scores by benchmark from words such as ``MMLU=0.76``."""
    from bayesdense.errors import BayesdenseError

    found: dict[str, float] = {}
    for text in given:
        benchmark, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not benchmark or number != number:
            raise BayesdenseError(f"--score is NAME=VALUE, such as MMLU=0.76, not '{text}'")
        if benchmark in found:
            raise BayesdenseError(
                f"--score has {benchmark} twice; several scores on one benchmark: --models FOLDER"
            )
        found[benchmark] = number
    return found
