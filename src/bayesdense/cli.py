"""The command line: parse, call, print.

Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 a posterior not to be trusted,
130 interrupted. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bayesdense.console import (
    listing,
    make_console,
    print_frame,
    print_results,
    print_ruler,
    print_selection,
    provenance,
    say,
)

if TYPE_CHECKING:
    from bayesdense.data import Dataset

__all__ = ["app", "main"]

BAD_INPUT = 1
NOT_TRUSTED = 3
INTERRUPTED = 130

MIN_BENCHMARKS = 3
SINCE = {"densing5": "2023-02-01"}
"""First day of release by shipped dataset: where the paper's own trend begins."""

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
    app(prog_name="bayesdense")


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn errors on purpose, Ctrl-C and warnings into one line each on stderr."""
    from bayesdense.errors import BayesdenseError, BayesdenseWarning, DiagnosticsWarning

    shown: set[str] = set()
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, BayesdenseWarning):
            usual(message, category, *place, **more)
        # The verdict is printed with the result, and notes once for all fits.
        elif not issubclass(category, DiagnosticsWarning) and str(message) not in shown:
            shown.add(str(message))
            typer.echo(f"warning: {' '.join(str(message).split())}", err=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", BayesdenseWarning)
            warnings.showwarning = show
            yield
    except KeyboardInterrupt as stop:
        detail = str(stop) or "interrupted"
        _stop(f"{detail}; nothing was written", INTERRUPTED)
    except (BayesdenseError, OSError) as error:
        _stop(f"error: {error}", BAD_INPUT)


def _version(wanted: bool) -> None:
    if wanted:
        from bayesdense import __version__

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


@app.command()
def datasets() -> None:
    """List the datasets that come with the package.

    Example: bayesdense datasets
    """
    with _plain_errors():
        from bayesdense.data import list_datasets

        print_frame(make_console(), list_datasets())


@app.command(short_help="Check a folder of tables.")
def validate(
    folder: Annotated[Path, typer.Argument(help="Folder with models.csv and the other tables.")],
) -> None:
    """Check a folder of tables: every problem at once, or what the tables hold.

    Whether the data can also answer the question, a reference family that
    informs every benchmark and dates spread enough for a trend, is said in a
    note: data may be valid without it.

    Example: bayesdense validate my-data
    """
    with _plain_errors():
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


@app.command(short_help="Fit a dataset; write fits, tables and figures.")
def fit(
    dataset: Annotated[
        str, typer.Argument(help="A shipped dataset, or the path of a folder, such as ./mine.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for fits, tables and figures.")],
    trend: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="linear, frontier or change-point; may be repeated. Default: linear and frontier.",
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="full, or pooled: the paper's form, all benchmarks alike."
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
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="FAMILY", help="Family that becomes the reference; may be repeated."),
    ] = None,
    reference_dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Dataset or folder to borrow the references from."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="First day of release, such as 2023-07-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day of release.")] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Benchmark to use; may be repeated. Default: the core ones."
        ),
    ] = None,
    min_benchmarks: Annotated[
        int | None, typer.Option(help="Fewest benchmarks that a model has scores on.")
    ] = None,
    all_models: Annotated[
        bool, typer.Option("--all-models", help="Select nothing that is not asked for.")
    ] = False,
    draws: Annotated[int, typer.Option(help="Draws of each chain.")] = 2000,
    tune: Annotated[int, typer.Option(help="Warm-up draws of each chain.")] = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4,
    cores: Annotated[int | None, typer.Option(help="Chains that run at the same time.")] = None,
    seed: Annotated[int, typer.Option(help="Source of randomness.")] = 1,
    target_accept: Annotated[
        float, typer.Option(help="Acceptance of the sampler; higher is slower and safer.")
    ] = 0.95,
    prob: Annotated[float, typer.Option(help="Probability of all intervals.")] = 0.9,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no list of files.")] = False,
) -> None:
    """Fit the Densing Law to a dataset and write fits, tables and figures.

    Which models are used, unless told otherwise: base models that are not
    compressed, with scores on at least 3 of the benchmarks (on all, where there
    are fewer); in densing5 those released since 2023-02-01. An option replaces
    its own part of this rule, and --all-models drops the rule. Reference models
    always stay.

    Into the folder go <trend>.nc, which 'bayesdense show' and
    bayesdense.load_fit read, headline.csv, tables/ and figures/. An older
    result is replaced when everything is done, and stays whole until then.

    Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 the posterior is not to be
    trusted (the files are written all the same), 130 interrupted.

    Example: bayesdense fit densing5 --out out/densing5
    """
    with _plain_errors():
        from bayesdense.output import check_folder, write_results

        check_folder(out)
        console = make_console()
        data = _select(
            dataset,
            reference=reference,
            reference_dataset=reference_dataset,
            since=since,
            until=until,
            benchmark=benchmark,
            min_benchmarks=min_benchmarks,
            all_models=all_models,
        )
        if ruler == "skill":
            data = data.without_references()
        if not quiet:
            print_selection(console, data)

        from bayesdense.models import DensityModel
        from bayesdense.summaries.intervals import check_prob

        check_prob(prob)
        models = {}
        for name in trend or ["linear", "frontier"]:
            models[name] = DensityModel(
                form=form,
                trend=name,
                size=size,
                d0=d0,
                ruler=ruler,
                law=law,
                score_map=score_map,
            )
        fits = {}
        for name, model in models.items():
            fits[name] = model.fit(
                data,
                draws=draws,
                tune=tune,
                chains=chains,
                cores=cores,
                seed=seed,
                target_accept=target_accept,
                progress=not quiet,
            )
            if fits[name].interrupted:
                raise KeyboardInterrupt(f"{name} fit {fits[name].interrupted}")
        status = (
            (lambda text: None) if quiet else (lambda text: typer.echo(f"{text} ...", err=True))
        )
        files = write_results(fits, out, prob=prob, status=status)
        trusted = print_results(console, fits, prob=prob)
        if not quiet:
            say(console, f"\nWritten to {out}:")
            say(console, listing(files, out))
        if not trusted:
            raise typer.Exit(NOT_TRUSTED)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A saved fit, such as out/densing5/linear.nc.")],
    prob: Annotated[float, typer.Option(help="Probability of all intervals.")] = 0.9,
) -> None:
    """Print a saved fit: headline, checks and how it was made.

    Exit code 3 says that its posterior is not to be trusted.

    Example: bayesdense show out/densing5/linear.nc
    """
    with _plain_errors():
        from bayesdense.fit import DensityFit, load_fit
        from bayesdense.summaries.intervals import check_prob

        check_prob(prob)
        loaded = load_fit(file)
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


def _select(
    name: str,
    *,
    reference: list[str] | None,
    reference_dataset: str | None,
    since: str | None,
    until: str | None,
    benchmark: list[str] | None,
    min_benchmarks: int | None,
    all_models: bool,
) -> Dataset:
    """Load a dataset and choose from it by the rule that `fit --help` states."""
    from bayesdense.data import load_dataset

    def load(given: str) -> Dataset:
        # A folder in the working directory may be named without a separator too.
        is_shipped_name = not ("/" in given or "\\" in given) and not Path(given).is_dir()
        return load_dataset(given if is_shipped_name or given in _shipped() else Path(given))

    data = load(name)
    if reference_dataset is not None:
        data = data.with_reference(families=reference or None, dataset=load(reference_dataset))
    elif reference:
        data = data.with_reference(families=reference)
    count = len(dict.fromkeys(benchmark)) if benchmark else len(data.core_benchmarks)
    rule: dict[str, Any] = {}
    if not all_models:
        rule = {
            "since": SINCE.get(name),
            "base_only": True,
            "compressed": False,
            "min_benchmarks": min(MIN_BENCHMARKS, count) or None,
        }
    asked = {
        "since": since,
        "until": until,
        "benchmarks": benchmark or None,
        "min_benchmarks": min_benchmarks,
    }
    return data.select(**rule | {key: value for key, value in asked.items() if value is not None})


def _shipped() -> list[str]:
    from bayesdense.data import list_datasets

    return [str(name) for name in list_datasets()["dataset"]]


if __name__ == "__main__":
    main()
