"""The command that fits one question under many choices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesdense.cli.common import NOT_TRUSTED, chosen_data, plain_errors
from bayesdense.cli.options import (
    AllModels,
    Benchmarks,
    DatasetName,
    Draws,
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
from bayesdense.cli.printing import make_console, print_frame, print_selection, say

if TYPE_CHECKING:
    from bayesdense.data import Dataset

__all__ = ["sensitivity"]

OVER = (
    "benchmarks",
    "single-benchmarks",
    "subsets",
    "groups",
    "size",
    "structure",
    "trend",
    "reference",
    "observation",
    "recalled",
    "publication",
)


def sensitivity(
    dataset: DatasetName,
    out: Annotated[Path, typer.Option(help="Folder for the table, the figure and the study.")],
    over: Annotated[
        list[str],
        typer.Option(metavar="CHOICE", help=f"{', '.join(OVER)}; may be repeated."),
    ],
    cross: Annotated[
        bool, typer.Option("--cross", help="Fit every combination: a specification curve.")
    ] = False,
    family: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY", help="With --over reference: another family; may be repeated."
        ),
    ] = None,
    smallest: Annotated[
        int, typer.Option(help="With --over subsets: fewest benchmarks of a subset.")
    ] = 1,
    form: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="full; first-edition: the package's first model; or pooled: all benchmarks alike.",
        ),
    ] = "full",
    reference: Reference = None,
    reference_dataset: ReferenceDataset = None,
    since: Since = None,
    until: Until = None,
    benchmark: Benchmarks = None,
    min_benchmarks: MinBenchmarks = None,
    all_models: AllModels = False,
    draws: Draws = 1000,
    tune: Tune = 1000,
    workers: Annotated[
        int, typer.Option(help="Processes; each compiles once, and fits on one core.")
    ] = 1,
    seed: Seed = 1,
    prob: Prob = 0.9,
    quiet: Quiet = False,
) -> None:
    """Fit one question under many choices, and say what moves the answer.

    Models are those that 'bayesdense fit' would use; choices of benchmarks drop
    scores and keep the models. One choice is changed at a time, or, with
    --cross, all combinations are fitted.

    Into the folder go study.json, which bayesdense.studies.Study.load reads,
    table.csv, by_benchmark.csv, decomposition.csv (with --cross), study.png and
    study.svg, and fits/ with what each fit gave: a study that was stopped goes
    on from there.

    Exit codes: 0 good, 1 bad input, 2 wrong usage, 3 a fit failed or is not to
    be trusted (its row says why), 130 interrupted, 143 terminated.

    Example: bayesdense sensitivity densing5 --over benchmarks --out out/study
    """
    with plain_errors(lambda: _left(out / "fits")):
        from bayesdense.cli.results import check_folder
        from bayesdense.errors import BayesdenseError

        folder = check_folder(out)
        if workers < 1:
            raise BayesdenseError(f"--workers must be a number from 1, not {workers}")
        for option, given, choice in (
            ("--family", bool(family), "reference"),
            ("--smallest", smallest != 1, "subsets"),
        ):
            if given and choice not in over:
                raise BayesdenseError(f"{option} is for --over {choice}, which is not asked for")
        console = make_console()
        data = chosen_data(
            dataset,
            reference=reference,
            reference_dataset=reference_dataset,
            since=since,
            until=until,
            benchmark=benchmark,
            min_benchmarks=min_benchmarks,
            all_models=all_models,
        )
        if not quiet:
            print_selection(console, data)

        from bayesdense import plots, studies
        from bayesdense.models import DensityModel
        from bayesdense.posterior.intervals import check_prob

        check_prob(prob)
        options = {
            name: _options(name, data, family or [], smallest) for name in dict.fromkeys(over)
        }
        study = studies.sensitivity(
            DensityModel(form=form),
            data,
            options,
            cross=cross,
            draws=draws,
            tune=tune,
            random_seed=seed,
            executor=None if workers == 1 else workers,
            store=folder / "fits",
            progressbar=not quiet,
        )
        table = study.summary(prob=prob)
        tables = {"table": table, "by_benchmark": study.by_benchmark(prob=prob)}
        if cross:
            tables["decomposition"] = study.decomposition()
        for name, frame in tables.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        study.save(folder / "study.json")
        draw = plots.specification_curve if cross else plots.sensitivity
        figure, _ = draw(study, prob=prob)
        for suffix in ("png", "svg"):
            figure.savefig(folder / f"study.{suffix}", dpi=200)
        say(console, f"\nDoubling time in months, {100 * prob:g} % equal-tailed intervals\n")
        columns = [*study.choices, "median", "lower", "upper", "models", "scores", "trusted"]
        print_frame(console, table[columns].round(2))
        if cross:
            say(console, "\nWhich choice moves the growth rate most\n")
            print_frame(console, study.decomposition().round(3))
            print_frame(console, study.share_holding(prob=prob).round(2))
        for row in table[table["reason"] != ""].to_dict("records"):
            taken = ", ".join(str(row[name]) for name in study.choices)
            say(console, f"{taken}: {row['reason']}")
        if not quiet:
            say(console, f"\nWritten to {out}: study.json, tables, study.png, study.svg, fits/")
        if not table["trusted"].all():
            raise typer.Exit(NOT_TRUSTED)


def _left(store: Path) -> str:
    """Say what there is of a study that was stopped."""
    done = len(list(store.glob("*.json")))
    if not done:
        return f"no fit was done, and nothing was written to {store.parent}"
    return f"the fits that are done ({done}) are in {store}, and are not done again"


def _options(name: str, data: Dataset, families: list[str], smallest: int) -> Any:
    """Return the options of one choice by its name on the command line."""
    from bayesdense.errors import BayesdenseError, UnknownNameError
    from bayesdense.studies import choices

    ready: dict[str, Callable[[], Any]] = {
        "benchmarks": lambda: choices.benchmarks_left_out(data),
        "single-benchmarks": lambda: choices.one_benchmark_at_a_time(data),
        "subsets": lambda: choices.benchmark_subsets(data, smallest=smallest),
        "groups": lambda: choices.benchmark_groups(data),
        "size": choices.sizes,
        "structure": choices.structure,
        "trend": choices.trends,
        "reference": lambda: choices.references(data, families),
        "observation": lambda: choices.model_options("observation", ["normal", "student-t"]),
        "recalled": lambda: choices.recalled(data),
        "publication": lambda: choices.publication(data),
    }
    if name not in ready:
        raise UnknownNameError.of("choice", name, OVER)
    if name == "reference" and not families:
        raise BayesdenseError("--over reference needs at least one --family")
    return ready[name]()
