"""What a run leaves behind: fits, tables and figures in one folder, all or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesdense.cli.stopping import hold_signals
from bayesdense.errors import BayesdenseError
from bayesdense.posterior.intervals import PROB
from bayesdense.tables.growth import sparsity_growth

if TYPE_CHECKING:
    from bayesdense.fit import DensityFit

__all__ = [
    "FIGURES",
    "TABLES",
    "assumptions",
    "check_folder",
    "headline_table",
    "with_growth",
    "write_results",
]

PNG_DPI = 200

TABLES: dict[str, Callable[[DensityFit, float], pd.DataFrame]] = {
    "doubling_time": lambda fit, prob: fit.doubling_time(prob=prob),
    "growth": lambda fit, prob: fit.growth(prob=prob),
    "density": lambda fit, prob: fit.density(prob=prob),
    "effective_size": lambda fit, prob: fit.effective_size(prob=prob),
    "effective_size_by_benchmark": lambda fit, prob: fit.effective_size(by="benchmark", prob=prob),
    "trend_line": lambda fit, prob: fit.trend_line(prob=prob),
    "scores": lambda fit, prob: fit.scores(prob=prob),
    "parameters": lambda fit, prob: fit.parameters(prob=prob),
    "ruler": lambda fit, prob: fit.coefficients(prob=prob),
    "reach": lambda fit, prob: fit.reach(prob=prob),
    "above_reference": lambda fit, prob: fit.above_reference(),
    "calibration": lambda fit, prob: fit.calibration(),
    "diagnostics": lambda fit, prob: fit.diagnostics(),
    "checks": lambda fit, prob: fit.checks().summary(),
}
"""Tables of each fit, by the name of their file."""

OF_GROWTH = frozenset({"doubling_time", "growth", "trend_line", "trend"})
"""The tables and figures that a fit without a trend does not have."""

FIGURES = ("trend", "density", "effective_size", "calibration")
"""Figures of each fit, by the name of their file and of their function in `plots`."""


def check_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder that results can be written to; it need not exist yet.

    Parameters
    ----------
    path : path-like
        The folder.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    BayesdenseError
        If it is a file, lies below one, or cannot be written to.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise BayesdenseError(f"'{folder}' is a file; results are written into a folder")
    # A new folder is made below its nearest parent, and results are prepared beside it.
    for place in {_nearest(folder), _nearest(folder.absolute().parent)}:
        if not place.is_dir():
            raise BayesdenseError(f"cannot write into '{folder}': '{place}' is a file")
        try:
            os.rmdir(tempfile.mkdtemp(prefix=".bayesdense.", dir=place))
        except OSError as error:
            raise BayesdenseError(
                f"cannot write into '{folder}': {error.strerror or error}"
            ) from None
    return folder


def headline_table(fits: Mapping[str, DensityFit], *, prob: float = PROB) -> pd.DataFrame:
    """Return the doubling times of all fits, beside what they rest on.

    Parameters
    ----------
    fits : mapping of str to DensityFit
        By a name for each, such as its trend; those without a trend have no row.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Column ``fit``, those of `DensityFit.doubling_time` (months), then
        ``share_above_reference`` (of the targets on that benchmark; NaN in
        rows of no single benchmark), ``trusted`` and ``verdict``. Without rows
        where no fit has a trend.
    """
    parts = []
    for name, fit in with_growth(fits).items():
        table = fit.doubling_time(prob=prob)
        above = fit.above_reference().set_index("benchmark")["share_above_reference"]
        table.insert(0, "fit", name)
        report = fit.checks()
        parts.append(
            table.assign(
                share_above_reference=table["benchmark"].map(above),
                trusted=report.trusted,
                verdict=report.verdict,
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def with_growth(fits: Mapping[str, DensityFit]) -> dict[str, DensityFit]:
    """Return the fits that have a trend in time.

    Parameters
    ----------
    fits : mapping of str to DensityFit
        By name.

    Returns
    -------
    dict of str to DensityFit
    """
    return {name: fit for name, fit in fits.items() if fit.spec.has_growth}


def assumptions(fit: DensityFit, *, prob: float = PROB) -> dict[str, str]:
    """Say what a fit took for granted.

    Parameters
    ----------
    fit : DensityFit
        The fit.
    prob : float
        Probability of the intervals that are shown.

    Returns
    -------
    dict of str to str
        What was assumed, by subject.
    """
    spec, data = fit.spec, fit.data
    sizes = fit.density(prob=prob).query("is_reference")["size"]
    families = ", ".join(sorted(set(data.references["family"])))
    parts = f"loss law {spec.law.name}, score map {spec.score_map.name}"
    ruler = (
        "latent skill: what a size is worth is learned from models of one family, and references "
        f"are models like others; {parts}"
    )
    if spec.ruler != "skill":
        ruler = (
            f"{len(sizes)} reference models of {families}, {sizes.min() / 1e9:.3g} to "
            f"{sizes.max() / 1e9:.3g} billion parameters; {parts}"
        )
    if spec.ruler == "cut":
        ruler += "; scores of targets do not inform it"
    kind = str(fit.density(prob=prob)["kind"].iloc[0])
    said = {
        "size": f"{spec.size.name} parameters",
        "ruler": ruler,
        "growth": {
            "by-benchmark": "differs between benchmarks",
            "common": "the same on all benchmarks",
        }[spec.growth]
        if spec.has_growth
        else "none: densities lie around a level, and no date is read",
        "families": (
            "models of one family have a deviation in common"
            if spec.families
            else "models of one family are independent of one another"
        )
        + (
            ", and so have families of one developer"
            if "developer_effect_sd" in fit.posterior
            else ""
        )
        + (
            "; within a family density may grow at another rate than between families"
            if "within_family_growth" in fit.posterior
            else ""
        ),
        "size slope": {
            "by-benchmark": "density may depend on size, on each benchmark in its own way",
            "common": "density may depend on size, on all benchmarks alike",
            "none": "density does not depend on size",
        }[spec.size_slope],
        "harnesses": (
            "may differ systematically" if spec.harness_offsets else "do not differ systematically"
        )
        + (f"; {spec.harness_drift} may drift in time" if spec.harness_drift else ""),
        "intervals": f"{100 * prob:.4g} %, {kind}",
    }
    sparsity = sparsity_growth(data.targets)
    if sparsity is not None:
        said["size"] += (
            "; of the targets, the logarithm of total over active parameters grows by "
            f"{sparsity:.2f} a year"
        )
    if spec.date_sd:
        said["dates"] = f"wrong by {spec.date_sd:.3g} months (standard deviation)"
    if spec.noise == "by-score":
        said["noise"] = "sources differ by more or less at some scores than at others"
    if len(data.losses):
        said["tokens"] = f"effective sizes are read at {spec.tokens:.3g} training tokens"
    return said


def write_results(
    fits: Mapping[str, DensityFit],
    folder: str | os.PathLike[str],
    *,
    prob: float = PROB,
    status: Callable[[str], Any] = lambda text: None,
) -> list[Path]:
    """Write fits, tables and figures into a folder.

    Everything is prepared in a hidden folder beside it and moved into place at
    the end, so that a run which is stopped leaves an older result whole. Files
    that an older run left and this one does not have are removed; files of
    other names stay.

    Parameters
    ----------
    fits : mapping of str to DensityFit
        By the name of their trend, which begins the names of their files.
    folder : path-like
        Made where it does not exist.
    prob : float
        Probability of all intervals.
    status : callable
        Told what is being written.

    Returns
    -------
    list of pathlib.Path
        The files, in order of their names.

    Raises
    ------
    BayesdenseError
        If the folder cannot be written to.
    """
    target = check_folder(folder)
    scratch: Path | None = None
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.absolute().name}."
        scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=target.absolute().parent))
        _prepare(fits, scratch, prob=prob, status=status)
        names = sorted(p.relative_to(scratch) for p in scratch.rglob("*") if p.is_file())
        # Files of two runs must not be mixed.
        with hold_signals():
            for name in names:
                place = target / name
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(scratch / name, place)
            for name in _ours():
                if name not in names:
                    (target / name).unlink(missing_ok=True)
    except OSError as error:
        raise BayesdenseError(f"cannot write into '{target}': {error.strerror or error}") from None
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return [target / name for name in names]


def _prepare(
    fits: Mapping[str, DensityFit], folder: Path, *, prob: float, status: Callable[[str], Any]
) -> None:
    """Write all files of a run into an empty folder."""
    from bayesdense import plots

    (folder / "tables").mkdir()
    (folder / "figures").mkdir()
    growing = with_growth(fits)
    if growing:
        headline_table(growing, prob=prob).to_csv(folder / "headline.csv", index=False)
    for name, fit in fits.items():
        status(f"writing the {name} fit")
        fit.save(folder / f"{name}.nc")
        skipped = frozenset() if name in growing else OF_GROWTH
        for table, make in TABLES.items():
            if table in skipped:
                continue
            made = make(fit, prob)
            if fit.approximation and "kind" not in made:
                made = made.assign(approximation=fit.approximation)
            made.to_csv(folder / "tables" / f"{name}_{table}.csv", index=False)
        for kind in FIGURES:
            if kind in skipped:
                continue
            options: dict[str, Any] = {} if kind == "calibration" else {"prob": prob}
            figure, _ = getattr(plots, kind)(fit, **options)
            _save_figure(figure, folder / "figures" / f"{name}_{kind}")
    if growing:
        figure, _ = plots.doubling_time(*growing.values(), prob=prob)
        _save_figure(figure, folder / "figures" / "doubling_time")


def _save_figure(figure: Any, stem: Path) -> None:
    figure.savefig(stem.with_name(f"{stem.name}.png"), dpi=PNG_DPI)
    # Without a date, the same figure gives the same file.
    figure.savefig(stem.with_name(f"{stem.name}.svg"), metadata={"Date": None})


def _ours() -> Iterator[Path]:
    """Yield every file name that a run of any trends may leave."""
    from bayesdense.parts.trends import trends

    yield Path("headline.csv")
    stems = ["doubling_time"]
    for name in trends:
        yield Path(f"{name}.nc")
        yield from (Path("tables", f"{name}_{table}.csv") for table in TABLES)
        stems += [f"{name}_{kind}" for kind in FIGURES]
    yield from (Path("figures", f"{s}{suffix}") for s in stems for suffix in (".png", ".svg"))


def _nearest(path: Path) -> Path:
    """Return the path itself or its nearest parent that exists."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
