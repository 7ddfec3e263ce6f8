"""Tables and figures of what `run.py` stored: coverage, ranks, and what went wrong.

Run with ``make calibration-report``. Coverage stands beside its 99 % interval, as a proportion of
that many datasets; ranks beside the band that 95 % of all ECDFs of uniform ranks stay within
everywhere (Saeilynoja, Buerkner and Vehtari, 2022), computed by ArviZ.
"""

from __future__ import annotations

import argparse
import re
import zlib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from arviz_stats.ecdf_utils import ecdf_pit
from run import RANKED, RESULTS
from scenarios import scenarios
from scipy.stats import binomtest

from bayesdense.model.variables import symbol_of

OF_SIMUK = RESULTS / "simuk-ranks.csv"
FIGURES = Path(__file__).parents[1] / "docs" / "figures"
INTERVALS = {50: ("q25", "q75"), 80: ("q10", "q90"), 90: ("q5", "q95")}
HEADLINE = (
    "growth_rate",
    "growth_rate_by_benchmark",
    "growth_rate_change",
    "within_family_growth",
    "size_slope",
    "size_slope_sd",
    "model_effect_sd",
    "family_effect_sd",
    "developer_effect_sd",
    "cell_effect_sd",
    "source_noise_sd",
    "source_noise_exponent",
    "source_noise_tilt",
)
HEADLINE = (*HEADLINE, "log_density", "log_effective_size", "envelope")
# Quantities that are no variables of the posterior.
OF_REPORT = {"growth_rate_beside_others": "A_j - A_others", "envelope": "slope of the envelope"}
BAND, SIMULATIONS = 0.95, 2000
MIXED = 1.05


def stored(what: str) -> pd.DataFrame:
    """Return all stored rows of one kind."""
    files = sorted(RESULTS.glob(f"*-{what}.csv"))
    if not files:
        raise SystemExit("nothing is stored yet: make calibrate")
    return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)


def coverage(answers: pd.DataFrame) -> pd.DataFrame:
    """Return how often intervals held the truth, by scenario, analysis and quantity."""
    rows = []
    answers = answers.assign(of=answers["quantity"].str.replace(r"\[.*", "", regex=True))
    for (scenario, analysis, name), part in answers.groupby(
        ["scenario", "analysis", "of"], sort=False
    ):
        if name not in HEADLINE:
            continue
        row = {"scenario": scenario, "analysis": analysis, "quantity": name}
        row["datasets"] = part["seed"].nunique()
        for prob, (low, high) in INTERVALS.items():
            held = part["truth"].between(part[low], part[high])
            row[f"{prob} %"] = held.mean()
            if prob == 90:
                # Several numbers of one dataset are not independent: the interval counts datasets.
                share = held.groupby(part["seed"]).mean()
                exact = binomtest(round(share.sum()), len(share)).proportion_ci(0.99)
                row["se of 90 %"] = share.std() / np.sqrt(len(share))
                row["99 % from"], row["to"] = exact.low, exact.high
                row["below"] = int((part["truth"] < part[low]).sum())
                row["above"] = int((part["truth"] > part[high]).sum())
                row["width"] = (part[high] - part[low]).median()
        errors = (part["q50"] - part["truth"]).groupby(part["seed"]).mean()
        row["error"], row["its se"] = errors.mean(), errors.std() / np.sqrt(len(errors))
        rows.append(row)
    return pd.DataFrame(rows)


def misses(answers: pd.DataFrame) -> pd.DataFrame:
    """Return on which side of the 90 % interval the truth was, entry by entry.

    Where a prior is far from a truth and data say little, misses of one entry are on one side.
    """
    low, high = INTERVALS[90]
    entries = answers[answers["quantity"].str.contains("[", regex=False)]
    entries = entries.assign(
        below=entries["truth"] < entries[low], above=entries["truth"] > entries[high]
    )
    of = entries["quantity"].str.replace(r"\[.*", "", regex=True)
    groups = entries[of.isin(HEADLINE)].groupby(["scenario", "analysis", "quantity"], sort=False)
    found = groups.agg(
        datasets=("seed", "nunique"),
        truth=("truth", "mean"),
        median=("q50", "mean"),
        below=("below", "sum"),
        above=("above", "sum"),
    )
    return found.reset_index()


def ranks(answers: pd.DataFrame) -> pd.DataFrame:
    """Return, for every quantity, how far the ECDF of its ranks is from uniform.

    ``outside`` is the share of places at which it leaves the band.
    """
    rows = []
    for (scenario, quantity), part in answers.groupby(["scenario", "quantity"], sort=False):
        places, ecdf, low, high = bands(part["rank"].to_numpy(), f"{scenario}, {quantity}")
        outside = (ecdf < low) | (ecdf > high)
        rows.append(
            {
                "scenario": scenario,
                "quantity": quantity,
                "datasets": len(part),
                "furthest": np.abs(ecdf - places).max(),
                "outside": outside.mean(),
            }
        )
    return pd.DataFrame(rows)


def of_mixed(answers: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Return ranks of the fits with losses whose chains agree, all trends together.

    What trends have in common is one model. Whether chains agree depends on data and draws, and of
    the truth on nothing else, so that ranks stay uniform.
    """
    keys = ["scenario", "seed"]
    good = answers.merge(fits.loc[fits["rhat"] <= MIXED, keys], on=keys)
    good = good[good["scenario"].str.startswith("sbc, losses")]
    trends = good.groupby("quantity")["scenario"].nunique()
    common = trends[trends == trends.max()].index
    return good[good["quantity"].isin(common)].assign(scenario="losses, mixed")


def alarms(answers: pd.DataFrame) -> pd.DataFrame:
    """Return how often a benchmark was said to grow at another rate, by scenario.

    The rule is that of `bayesdense.studies.growth_differences`, for five benchmarks: the 99 %
    interval of a rate less the mean of the others does not hold 0.
    """
    of = answers[answers["quantity"].str.startswith("growth_rate_beside_others")]
    of = of.assign(said=(of["q0.5"] > 0) | (of["q99.5"] < 0), most=of["truth"].abs())
    rows = []
    for (scenario, analysis), part in of.groupby(["scenario", "analysis"], sort=False):
        by_seed = part.groupby("seed")
        any_said = by_seed["said"].any()
        truest = part.loc[by_seed["most"].idxmax()].set_index("seed")
        exact = binomtest(int(any_said.sum()), len(any_said)).proportion_ci(0.95)
        rows.append(
            {
                "scenario": scenario,
                "analysis": analysis,
                "datasets": len(any_said),
                "any said to differ": any_said.mean(),
                "95 % interval": f"{exact.low:.2f} to {exact.high:.2f}",
                "the most different one": truest["said"].mean(),
                "its true difference": truest["most"].mean(),
            }
        )
    return pd.DataFrame(rows)


def bands(rank: np.ndarray, name: str) -> tuple[np.ndarray, ...]:
    """Return places, the ECDF of ranks there, and the band around the diagonal.

    `name` is that of the panel: the same ranks give the same, in tables and figures.
    """
    random = np.random.default_rng(zlib.crc32(name.encode()))
    # Ranks are whole numbers: spread evenly within their step.
    values = (rank + random.uniform(size=len(rank))) / (RANKED + 1)
    places, ecdf, low, high = ecdf_pit(values, BAND, SIMULATIONS, rng=random)
    return tuple(np.asarray(v) for v in (places, ecdf, low, high))


def draw_ranks(answers: pd.DataFrame, name: str, file: Path) -> None:
    """Draw the ECDF of ranks less the diagonal, a panel for each quantity."""
    part = answers[answers["scenario"] == name]
    quantities = list(dict.fromkeys(part["quantity"]))
    columns = 6
    lines = -(-len(quantities) // columns)
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(10, 1.25 * lines + 0.6),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for ax in axes.flat[len(quantities) :]:
        ax.set_visible(False)
    # Those with nothing below them have the numbers of their column.
    for ax in axes.flat[max(len(quantities) - columns, 0) : len(quantities)]:
        ax.xaxis.set_tick_params(labelbottom=True)
    count = part["seed"].nunique()
    for ax, quantity in zip(axes.flat, quantities, strict=False):
        rank = part.loc[part["quantity"] == quantity, "rank"].to_numpy()
        places, ecdf, low, high = bands(rank, f"{name}, {quantity}")
        ax.fill_between(places, low - places, high - places, color="0.85", lw=0)
        outside = bool(((ecdf < low) | (ecdf > high)).any())
        ax.plot(places, ecdf - places, color="#b2182b" if outside else "#2166ac", lw=1)
        # Some quantities were compared in later datasets only.
        fewer = f" ({len(rank)})" if len(rank) < count else ""
        ax.set_title(_symbol(quantity) + fewer, fontsize=7, pad=2)
        ax.tick_params(labelsize=6)
        ax.set_xticks([0, 0.5, 1])
    figure.suptitle(f"{name}: {count} datasets (fewer in brackets)", fontsize=9)
    figure.supxlabel("rank of the truth among posterior draws, scaled", fontsize=8)
    figure.supylabel("ECDF less the diagonal, and its 95 % simultaneous band", fontsize=8)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def _symbol(quantity: str) -> str:
    """Return the symbol of a quantity with its entry: there is no room for names in panels."""
    name, bracket, entry = quantity.partition("[")
    return OF_REPORT.get(name, symbol_of(name)) + bracket + entry


def draw_coverage(table: pd.DataFrame, name: str, file: Path) -> None:
    """Draw how often 90 % intervals held the truth, with the 99 % interval of that share."""
    part = table[(table["scenario"] == name)].iloc[::-1]
    figure, ax = plt.subplots(figsize=(5.5, 0.28 * len(part) + 1.1))
    for place, (_, row) in enumerate(part.iterrows()):
        holds = row["99 % from"] <= 0.9 <= row["to"]
        colour = "#2166ac" if holds else "#b2182b"
        ax.plot([row["99 % from"], row["to"]], [place, place], color=colour, lw=1.5)
        ax.plot(row["90 %"], place, "o", color=colour, ms=4)
    ax.axvline(0.9, color="0.4", lw=0.8, ls="--")
    several = part["analysis"].nunique() > 1
    labels = part["quantity"].map(
        lambda name: name if name in OF_REPORT else f"{name} ({_symbol(name)})"
    )
    labels = part["analysis"] + ": " + labels if several else labels
    count = int(part["datasets"].max())
    # Some quantities were compared in later datasets only.
    fewer = (" (" + part["datasets"].astype(str) + ")").where(part["datasets"] < count, "")
    ax.set_yticks(range(len(part)), labels + fewer, fontsize=8)
    ax.set_xlabel(f"share of {count} datasets whose 90 % interval held the truth", fontsize=8)
    ax.tick_params(axis="x", labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, dpi=150)
    plt.close(figure)


def markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|---" * len(table.columns) + "|"]
    for row in table.itertuples(index=False):
        cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z]+", "-", name)


def main() -> None:
    """Print the tables and draw the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    options = parser.parse_args()
    answers, fits = stored("answers"), stored("fits")
    # Rows of before, of envelopes that have no slope in some draw or in truth.
    answers = answers.dropna(
        subset=["truth", *(end for ends in INTERVALS.values() for end in ends)]
    )
    quality = fits.groupby(["scenario", "analysis"], sort=False).agg(
        datasets=("seed", "nunique"),
        worst_rhat=("rhat", "max"),
        median_rhat=("rhat", "median"),
        lowest_ess=("ess", "min"),
        median_ess=("ess", "median"),
        with_divergences=("divergences", lambda d: (d > 0).mean()),
        seconds=("seconds", "median"),
    )
    print("Fits\n")
    print(markdown(quality.reset_index()))
    print("\nCoverage\n")
    covered = coverage(answers)
    print(markdown(covered))
    print("\nWhere the truth was outside the 90 % interval, entry by entry\n")
    print(markdown(misses(answers)))
    options.figures.mkdir(parents=True, exist_ok=True)
    for name in [n for n in scenarios() if n in set(covered["scenario"])]:
        if not name.startswith("sbc"):
            draw_coverage(covered, name, options.figures / f"{_slug(name)}.png")
    if "q0.5" in answers:
        print("\nBenchmarks said to grow at another rate\n")
        print(markdown(alarms(answers)))
    of_ranks = answers[answers["scenario"].str.startswith("sbc")]
    if OF_SIMUK.exists():
        of_ranks = pd.concat([of_ranks, pd.read_csv(OF_SIMUK)], ignore_index=True)
    if not len(of_ranks):
        return
    found = ranks(of_ranks)
    print("\nRanks that leave their band\n")
    left = found[found["outside"] > 0]
    print(markdown(left) if len(left) else "None.")
    together = ranks(of_mixed(of_ranks, fits))
    left = together[together["outside"] > 0]
    print(f"\nOf fits with losses and R-hat up to {MIXED}, {len(left)} of {len(together)} panels\n")
    print(markdown(left) if len(left) else "None.")
    for name in dict.fromkeys(of_ranks["scenario"]):
        draw_ranks(of_ranks, name, options.figures / f"{_slug(name)}.png")


if __name__ == "__main__":
    main()
