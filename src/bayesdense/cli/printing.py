"""What the command line prints: for an 80-column terminal, and whole when piped."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from bayesdense.data import Dataset
    from bayesdense.fit import DensityFit, RulerFit

__all__ = [
    "listing",
    "make_console",
    "print_frame",
    "print_results",
    "print_ruler",
    "print_selection",
    "provenance",
    "say",
]

PIPE_WIDTH = 160
DENSEST = 10


def make_console() -> Console:
    """Return a console for stdout that cuts nothing off when it is piped.

    Returns
    -------
    rich.console.Console
    """
    from rich.console import Console

    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def say(console: Console, text: str = "", *, style: str | None = None) -> None:
    """Print one statement.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    text : str
        As it is, without markup.
    style : str, optional
        Colour, for terminals.

    Examples
    --------
    >>> say(make_console(), "density 1")
    density 1
    """
    # A terminal wraps, with the rest of a list entry indented; a file keeps one line.
    if console.is_terminal:
        text = "\n".join(_wrapped(line, console.width) for line in text.split("\n"))
    console.print(text, style=style, soft_wrap=True)


def print_selection(console: Console, data: Dataset) -> None:
    """Print what is fitted, and what was left out of the dataset on the way.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    data : Dataset
        With its selection.
    """
    references = data.references
    families = ", ".join(dict.fromkeys(references["family"]))
    ruler = f"{_count(len(references), 'reference')} ({families})"
    models = _count(len(data.targets), "model")
    targets = f"{models} measured against " if len(data.targets) else ""
    if not len(references):
        targets, ruler = f"{models} ", "without a reference family,"
    on = f" on {', '.join(data.core_benchmarks)}" if data.core_benchmarks else ""
    say(console, f"{data.name}: {targets}{ruler}{on}")
    for entry in data.selection:
        dropped = ", ".join(
            [
                _count(entry["dropped_models"], "model"),
                _count(entry["dropped_scores"], "score"),
            ]
        )
        if entry.get("dropped_losses"):  # Fits saved by a previous version do not count them.
            dropped += f", {_count(entry['dropped_losses'], 'loss', 'losses')}"
        value = entry["value"]
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        say(console, f"  {entry['filter']} = {shown}: left out {dropped}")


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def print_results(console: Console, fits: Mapping[str, DensityFit], *, prob: float) -> bool:
    """Print headline, verdicts and assumptions.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    fits : mapping of str to DensityFit
        By the name of their trend.
    prob : float
        Probability of the intervals.

    Returns
    -------
    bool
        Whether all fits can be trusted.
    """
    from bayesdense.cli.results import assumptions, headline_table, with_growth

    say(console)
    if growing := with_growth(fits):
        _print_headline(console, headline_table(growing, prob=prob), prob=prob)
    for name, made in fits.items():
        if name not in growing:
            _print_densities(console, made, prob=prob)
    for name, made in fits.items():
        _print_checks(console, name, made)
    joint = not any(made.info.cut for made in fits.values())
    if joint and len(fits) > 1 and (text := _agreement(fits)):
        say(console, f"\nRuler: {text}")
    say(console, "\nAssumed", style="bold")
    for subject, text in assumptions(next(iter(fits.values())), prob=prob).items():
        say(console, f"  {subject}: {text}")
    return all(made.checks().trusted for made in fits.values())


def _agreement(fits: Mapping[str, DensityFit]) -> str:
    """Say whether fits by several trends read scores off the same ruler."""
    from bayesdense.studies.agreement import APART, ruler_agreement

    table = ruler_agreement(fits)
    if not len(table):
        return ""
    row = table.sort_values("apart").iloc[-1]
    most = (
        f"{row['parameter']} on {row['benchmark']}, {row['median_first']:.2f} ({row['first']}) and "
        f"{row['median_other']:.2f} ({row['other']})"
    )
    if table["differs"].any():
        return (
            f"exponents differ between trends by more than {APART:g} posterior standard deviation, "
            f"most {most}: a trend that does not suit the targets bends the ruler."
        )
    return f"exponents agree between trends; furthest apart are {most}."


def print_ruler(console: Console, made: RulerFit, *, prob: float) -> bool:
    """Print the coefficients and the verdict of a ruler that was fitted on its own.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    made : RulerFit
        The fit.
    prob : float
        Probability of the intervals.

    Returns
    -------
    bool
        Whether the fit can be trusted.
    """
    from rich.table import Table

    table = made.coefficients(prob=prob)
    say(console)
    say(console, f"Loss law: {made.spec.law.equation}", style="bold")
    say(console, f"median and {100 * prob:.4g} % {table['kind'].iloc[0]} interval")
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in ("step", "of", "coefficient", "symbol", "median", "interval"):
        shown.add_column(name)
    for row in table.to_dict("records"):
        interval = f"{row['lower']:.4g} to {row['upper']:.4g}"
        median = f"{row['median']:.4g}"
        names = row["step"], row["of"], row["coefficient"], row["symbol"]
        shown.add_row(*names, median, interval)
    console.print(shown)
    _print_checks(console, "ruler", made)
    return made.checks().trusted


def _print_checks(console: Console, name: str, made: DensityFit | RulerFit) -> None:
    report = made.checks()
    say(console)
    style = "green" if report.trusted else "bold red"
    say(console, f"{name} fit: {report.verdict}", style=style)
    for result in report.results:
        say(console, f"  {result.verdict:<5} {result.name}: {result.text}")


def _wrapped(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    lead = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(), width, initial_indent=lead, subsequent_indent=f"{lead}    " if lead else ""
    )


def _print_headline(console: Console, table: pd.DataFrame, *, prob: float) -> None:
    from rich.table import Table

    kind = table["kind"].iloc[0]
    say(console, "Doubling time of capability density, in months", style="bold")
    say(console, f"median and {100 * prob:.4g} % {kind} interval")
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    shown.add_column("fit")
    shown.add_column("estimator")
    shown.add_column("benchmark", min_width=len("all benchmarks"))
    shown.add_column("months", justify="right", no_wrap=True)
    shown.add_column("interval", no_wrap=True)
    shown.add_column("P(growth)", justify="right", no_wrap=True)
    shown.add_column("above", justify="right", no_wrap=True)
    before: tuple[str, str] = ("", "")
    for row in table.to_dict("records"):
        period = "" if row["period"] == "all dates" else f" {row['period']}"
        group = (row["fit"], f"{row['estimator']}{period}")
        share = row["share_above_reference"]
        shown.add_row(
            group[0] if group[0] != before[0] else "",
            group[1] if group != before else "",
            row["benchmark"],
            _months(row["median"]),
            f"{_months(row['lower'])} to {_months(row['upper'], end=True)}",
            "" if math.isnan(row["p_growth"]) else f"{row['p_growth']:.3f}",
            "" if math.isnan(share) else f"{100 * share:.0f} %",
            style="bold" if row["benchmark"] == "all benchmarks" else None,
        )
        before = group
    console.print(shown)
    say(console, "above: share of models above the largest reference on that benchmark")


def _print_densities(console: Console, made: DensityFit, *, prob: float) -> None:
    """Print the models of highest density of a fit without a trend."""
    from rich.table import Table

    table = made.density(prob=prob)
    table = table[~table["is_reference"]].sort_values("median", ascending=False, kind="stable")
    say(console, "Capability density (effective size / size), without a trend", style="bold")
    say(console, f"median and {100 * prob:.4g} % {table['kind'].iloc[0]} interval")
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in ("model", "family"):
        shown.add_column(name, overflow="fold")
    shown.add_column("density", justify="right", no_wrap=True)
    shown.add_column("interval", no_wrap=True)
    shown.add_column("ruler", no_wrap=True)
    for row in table.head(DENSEST).to_dict("records"):
        interval = f"{row['lower']:.3g} to {row['upper']:.3g}"
        beyond = "extrapolated" if row["outside_reference"] else ""
        shown.add_row(row["model"], row["family"], f"{row['median']:.3g}", interval, beyond)
    console.print(shown)
    if len(table) > DENSEST:
        say(console, f"the densest {DENSEST} of {len(table)} models")


def _months(value: float, *, end: bool = False) -> str:
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "no finite end" if end else "no growth"
    return f"{value:.2f}"


def provenance(loaded: DensityFit | RulerFit) -> dict[str, str]:
    """Say how a fit was made.

    Parameters
    ----------
    loaded : DensityFit or RulerFit
        The fit.

    Returns
    -------
    dict of str to str
        By subject.
    """
    info = loaded.info
    found = {"data digest": info.data_digest}
    for subject, parts in (("settings", asdict(info.settings)), ("versions", info.versions)):
        found[subject] = ", ".join(f"{k} {v}" for k, v in parts.items() if v is not None)
    found["time"] = (
        f"{info.sampling_seconds:.0f} s of sampling, {info.compile_seconds:.0f} s of compilation"
    )
    if info.thinned_from or info.shipped_with:
        found["draws"] = loaded._draws_in_words
    for attempt in info.attempts:
        found["before"] = (
            f"{attempt.draws:,} draws of each chain with target_accept {attempt.target_accept:.4g}"
            f": R-hat {attempt.rhat:.3f}, lowest effective sample size {attempt.ess:.0f}, "
            f"{attempt.divergences} divergences; sampled once more"
        )
    if info.notes:
        found["notes"] = " ".join(info.notes)
    return found


def listing(files: list[Path], folder: Path) -> str:
    """Return file names by folder, figures of one name together.

    Parameters
    ----------
    files : list of pathlib.Path
        Below `folder`.
    folder : pathlib.Path
        Where they are.

    Returns
    -------
    str

    Examples
    --------
    >>> print(listing([Path("out/a.nc"), Path("out/figures/b.png")], Path("out")))
      a.nc
      figures/: b.png and .svg
    """
    groups: dict[str, list[str]] = {}
    for file in files:
        name = file.relative_to(folder)
        if name.suffix == ".svg":
            continue
        text = f"{name.name}" + (" and .svg" if name.suffix == ".png" else "")
        groups.setdefault(name.parent.as_posix(), []).append(text)
    lines = []
    for group, names in sorted(groups.items()):
        place = "" if group == "." else f"{group}/: "
        lines.append(f"  {place}{', '.join(names)}")
    return "\n".join(lines)


def print_frame(console: Console, frame: pd.DataFrame) -> None:
    """Print a table.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    frame : pandas.DataFrame
        Its index is not shown.
    """
    from rich.table import Table

    numeric = {c for c in frame.columns if frame[c].dtype.kind in "iuf"}
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in frame.columns:
        is_number = column in numeric
        shown.add_column(str(column), justify="right" if is_number else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        shown.add_row(
            *(f"{v:,}" if c in numeric else str(v) for c, v in zip(frame, row, strict=True))
        )
    console.print(shown)
