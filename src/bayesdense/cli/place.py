"""`bayesdense place`: where new models stand in a saved fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesdense.cli.common import NOT_TRUSTED, named_data, plain_errors
from bayesdense.cli.options import Prob

if TYPE_CHECKING:
    from bayesdense.data import Dataset

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
    name: Annotated[str | None, typer.Option(help="What to call the model.")] = None,
    harness: Annotated[str | None, typer.Option(help="What measured the scores.")] = None,
    models: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Several models: tables as of a dataset.")
    ] = None,
    lm_eval: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Scores from results of lm-evaluation-harness 0.4: a file or folder; may be "
            "repeated.",
        ),
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
    --score MMLU=0.76 --score MATH=0.61; or with --lm-eval results/ in the
    place of scores
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
        if sum((models is not None, bool(lm_eval), bool(scores))) > 1:
            raise _error("scores are given in one way: --score, --lm-eval or --models")
        if models is not None and given:
            raise _error(
                "--models has everything about its models: give no other model or score beside it"
            )
        if lm_eval and harness is not None:
            raise _error("--harness is not for --lm-eval, whose scores are by 'lm-eval'")
        from bayesdense.fit import DensityFit, load_fit
        from bayesdense.posterior.intervals import check_prob

        check_prob(prob)
        loaded = load_fit(fit)
        if not isinstance(loaded, DensityFit):
            raise _error(f"{fit} is a fit of a ruler alone, which has no densities")
        if lm_eval:
            about = given if name is None else given | {"model": name}
            data = _results(lm_eval, about, list(loaded.data.core_benchmarks))
            placed = loaded.place(data, prior=prior, weights=weights)
        elif models is not None:
            placed = loaded.place(named_data(models), prior=prior, weights=weights)
        else:
            given |= {"model": name or "new model", "scores": scores}
            placed = loaded.place(prior=prior, weights=weights, **given)
        typer.echo(f"In {placed.of}:\n")
        typer.echo(placed.headline(prob=prob))
        report = loaded.checks()
        if not report.trusted:
            typer.echo(f"\n{report.verdict}")
            raise typer.Exit(NOT_TRUSTED)


def _error(text: str) -> Exception:
    """Return an error of input; the import of its class can wait until there is one."""
    from bayesdense.errors import BayesdenseError

    return BayesdenseError(text)


def _results(paths: list[str], about: dict[str, Any], known: list[str]) -> Dataset:
    """Return results of lm-evaluation-harness on the benchmarks that a fit has."""
    from bayesdense.readers import lm_eval

    data = lm_eval(paths, models=about or None)
    found = list(data.benchmarks["benchmark"])
    shared = [name for name in known if name in found]
    others = ", ".join(name for name in found if name not in known)
    if not shared:
        raise _error(
            f"the results are of {others}, and the fit is of none of them: it has "
            f"{', '.join(known)}"
        )
    if others:
        typer.echo(f"warning: the fit does not have {others}: left out", err=True)
    return data.select(benchmarks=shared)


def _scores(given: list[str]) -> dict[str, float]:
    """Return scores by benchmark from words such as ``MMLU=0.76``."""
    found: dict[str, float] = {}
    for text in given:
        benchmark, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not benchmark or number != number:
            raise _error(f"--score is NAME=VALUE, such as MMLU=0.76, not '{text}'")
        if benchmark in found:
            raise _error(
                f"--score has {benchmark} twice; several scores on one benchmark: --models FOLDER"
            )
        found[benchmark] = number
    return found
