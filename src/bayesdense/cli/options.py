"""Options that several commands have: which data, how to sample, what to show."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "AllModels",
    "Benchmarks",
    "DatasetName",
    "Draws",
    "MinBenchmarks",
    "Prob",
    "Quiet",
    "Reference",
    "ReferenceDataset",
    "Seed",
    "Since",
    "Tune",
    "Until",
]

DatasetName = Annotated[
    str, typer.Argument(help="A shipped dataset, or the path of a folder, such as ./mine.")
]
Reference = Annotated[
    list[str] | None,
    typer.Option(metavar="FAMILY", help="Family that becomes the reference; may be repeated."),
]
ReferenceDataset = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Dataset or folder to borrow the references from."),
]
Since = Annotated[
    str | None, typer.Option(metavar="DAY", help="First day of release, such as 2023-07-01.")
]
Until = Annotated[str | None, typer.Option(metavar="DAY", help="Last day of release.")]
Benchmarks = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Benchmark to use; may be repeated. Default: the core ones."),
]
MinBenchmarks = Annotated[
    int | None, typer.Option(help="Fewest benchmarks that a model has scores on.")
]
AllModels = Annotated[
    bool, typer.Option("--all-models", help="Select nothing that is not asked for.")
]
Draws = Annotated[int, typer.Option(help="Draws of each chain.")]
Tune = Annotated[int, typer.Option(help="Warm-up draws of each chain.")]
Seed = Annotated[int, typer.Option(help="Source of randomness.")]
Prob = Annotated[float, typer.Option(help="Probability of all intervals.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, no list of files.")]
