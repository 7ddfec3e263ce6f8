"""Commands about fits: make them, and show one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesdense.cli.common import NOT_TRUSTED, chosen_data, plain_errors
from bayesdense.cli.options import (
    AllModels,
    Benchmarks,
    DatasetName,
    MinBenchmarks,
    Prob,
    Quiet,
    Reference,
    ReferenceDataset,
    Seed,
    Since,
    Tune,
    Until,
)
from bayesdense.cli.printing import (
    listing,
    make_console,
    print_results,
    print_ruler,
    print_selection,
    provenance,
    say,
)
from bayesdense.cli.stopping import exit_code

if TYPE_CHECKING:
    from bayesdense.data import Dataset
    from bayesdense.fit import DensityFit
    from bayesdense.models import DensityModel

__all__ = ["fit", "show"]

USUAL_TREND = "linear"


def fit(
    dataset: DatasetName,
    out: Annotated[Path, typer.Option(help="Folder for fits, tables and figures.")],
    trend: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="linear, frontier, spread, smooth, change-point or unknown-change; or none, for "
            "densities without dates. May be repeated. Default: linear; none where dates are too "
            "few for a trend.",
        ),
    ] = None,
    change_point: Annotated[
        str | None,
        typer.Option(
            metavar="DAY",
            help="Day at which growth changes, for --trend change-point.  [default: 2022-11-30, "
            "the release of ChatGPT]",
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="full; first-edition: the package's first model; or pooled: the paper's form, all "
            "benchmarks alike.",
        ),
    ] = "full",
    size: Annotated[
        str, typer.Option(metavar="NAME", help="What counts as parameters: total or active.")
    ] = ("total"),
    ruler: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="joint; cut: targets do not inform it; skill: without a reference family.",
        ),
    ] = "joint",
    law: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Loss law, such as irreducible. Default: power-sum."),
    ] = None,
    score_map: Annotated[
        str,
        typer.Option(metavar="NAME", help="Score map: sigmoid, exponential-error or threshold."),
    ] = "sigmoid",
    d0: Annotated[
        float | None, typer.Option(help="Token budget of the effective size. Default: 1e12.")
    ] = None,
    reference: Reference = None,
    reference_dataset: ReferenceDataset = None,
    since: Since = None,
    until: Until = None,
    benchmark: Benchmarks = None,
    min_benchmarks: MinBenchmarks = None,
    all_models: AllModels = False,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Draws of each chain.  [default: 2000, and once more with up to 6000 where these "
            "are not to be trusted]"
        ),
    ] = None,
    tune: Tune = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4,
    cores: Annotated[int | None, typer.Option(help="Chains that run at the same time.")] = None,
    seed: Seed = 1,
    target_accept: Annotated[
        float | None,
        typer.Option(
            help="Acceptance of the sampler; higher is slower and safer.  [default: 0.95 with "
            "a thousand parameters, 0.97 with few, less with more]"
        ),
    ] = None,
    compiler: Annotated[
        str,
        typer.Option(
            metavar="dynamic|nutpie",
            help="How the model is compiled: for data of any size, or by nutpie's own function.",
        ),
    ] = "dynamic",
    shared_from: Annotated[
        int | None,
        typer.Option(
            metavar="TARGETS",
            help="Approximation for thousands of models: sample what all share from so many of "
            "them, and each given that.",
        ),
    ] = None,
    prob: Prob = 0.9,
    quiet: Quiet = False,
) -> None:
    """Fit the Densing Law to a dataset and write fits, tables and figures.

    Which models are used, unless told otherwise: base models (all models, where
    none is one) that are not compressed, with scores on at least 3 of the
    benchmarks (on all, where there are fewer); in densing5 those released since
    2023-02-01. An option replaces its own part of this rule, and --all-models
    drops the rule. Reference models always stay.

    Into the folder go <trend>.nc, which 'bayesdense show' and
    bayesdense.load_fit read, headline.csv, tables/ and figures/; what is about
    growth is left out with --trend none, which is the default where targets
    have too few dates for a trend. An older result is replaced when
    everything is done, and stays whole until then. After Ctrl-C, or SIGTERM,
    what has been drawn is written, to the folder interrupted/ in it where there
    is an older result, and its checks say so; where no draws can be kept,
    nothing is.

    Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 the posterior is not to be
    trusted (the files are written all the same), 130 interrupted, 143
    terminated.

    Example: bayesdense fit densing5 --out out/densing5
    """
    files: list[Path] = []
    with plain_errors(lambda: _left(out, files)):
        from bayesdense.cli.results import check_folder, write_results
        from bayesdense.data.readiness import why_no_trend
        from bayesdense.errors import BayesdenseError

        check_folder(out)
        console = make_console()
        references = ruler != "skill"
        if not references and (reference or reference_dataset):
            raise BayesdenseError(
                "--ruler skill does without references: leave out --reference and "
                "--reference-dataset, or take another ruler"
            )
        trends = trend or [USUAL_TREND]
        if change_point is not None and "change-point" not in trends:
            raise BayesdenseError("--change-point is for --trend change-point, which was not given")
        data = chosen_data(
            dataset,
            reference=reference,
            reference_dataset=reference_dataset,
            since=since,
            until=until,
            benchmark=benchmark,
            min_benchmarks=min_benchmarks,
            all_models=all_models,
            references=references,
        )
        if not quiet:
            print_selection(console, data)
        dated = data if references else data.without_references()
        if not trend and len(dated.targets) and (reason := why_no_trend(dated)):
            typer.echo(f"warning: {reason}; fitted without a trend, for densities only", err=True)
            trends = ["none"]

        from bayesdense.models import DensityModel
        from bayesdense.parts.trends import ChangePoint
        from bayesdense.posterior.intervals import check_prob

        check_prob(prob)
        models = {}
        for name in trends:
            bend = change_point if name == "change-point" else None
            models[name] = DensityModel(
                form=form,
                trend=name if bend is None else ChangePoint(bend),
                size=size,
                d0=d0,
                ruler=ruler,
                law=law,
                score_map=score_map,
            )
        fits, stopped = _fit_all(
            models,
            data,
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            random_seed=seed,
            target_accept=target_accept,
            shared_from=shared_from,
            compiler=compiler,
            progressbar=not quiet,
        )
        status = (
            (lambda text: None) if quiet else (lambda text: typer.echo(f"{text} ...", err=True))
        )
        if stopped and any(out.glob("*.nc")):
            # A whole result is worth more than part of another.
            out = out / "interrupted"
        files += write_results(fits, out, prob=prob, status=status)
        if stopped:
            typer.echo(f"{stopped}; {_written(fits, len(models), out)}", err=True)
        trusted = print_results(console, fits, prob=prob)
        if not quiet:
            say(console, f"\nWritten to {out}:")
            say(console, listing(files, out))
        if stopped:
            raise typer.Exit(exit_code())
        if not trusted:
            raise typer.Exit(NOT_TRUSTED)


def _fit_all(
    models: dict[str, DensityModel], data: Dataset, **settings: Any
) -> tuple[dict[str, DensityFit], str]:
    """Return the fits by name, those until one was interrupted, and what is said of that."""
    fits: dict[str, DensityFit] = {}
    for name, model in models.items():
        try:
            fits[name] = model.fit(data, **settings)
            stopped = fits[name].interrupted
        except KeyboardInterrupt as stop:
            if not fits:
                raise
            stopped = str(stop) or "interrupted: no draws kept"
        if stopped:
            return fits, f"{name} fit {stopped}"
    return fits, ""


def _left(out: Path, files: list[Path]) -> str:
    """Say what there is in the folder after a command was stopped."""
    if files:
        return f"the result is in {out}"
    older = "; the older result is whole" if (out / "headline.csv").exists() else ""
    return f"nothing was written to {out}{older}"


def _written(fits: dict[str, DensityFit], asked: int, out: Path) -> str:
    """Say which fits of an interrupted run were written."""
    kinds = [f"{n} (interrupted)" if f.interrupted else n for n, f in fits.items()]
    count = "1 fit" if asked == 1 else f"{asked} fits"
    return f"written to {out}: {len(fits)} of {count}, {' and '.join(kinds)}"


def show(
    fit: Annotated[
        str,
        typer.Argument(
            help="A saved fit, such as out/densing5/linear.nc; or densing5, the fit that comes "
            "with the package."
        ),
    ],
    prob: Prob = 0.9,
) -> None:
    """Print a saved fit: headline, checks and how it was made.

    Exit code 3 says that its posterior is not to be trusted.

    Example: bayesdense show out/densing5/linear.nc
    """
    with plain_errors():
        from bayesdense.fit import DensityFit, load_fit
        from bayesdense.posterior.intervals import check_prob

        check_prob(prob)
        loaded = load_fit(fit)
        console = make_console()
        print_selection(console, loaded.data)
        if isinstance(loaded, DensityFit):
            trusted = print_results(console, {loaded.spec.trend.name: loaded}, prob=prob)
        else:
            trusted = print_ruler(console, loaded, prob=prob)
        say(console, "\nHow it was made", style="bold")
        for subject, text in provenance(loaded).items():
            say(console, f"  {subject}: {text}")
        if not trusted:
            raise typer.Exit(NOT_TRUSTED)
