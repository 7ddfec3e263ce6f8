"""Which loss law and which score map predict what they have not seen."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.data.html import card
from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.models.base import Model
from bayesdense.posterior.diagnostics import MAX_RHAT, MIN_ESS
from bayesdense.posterior.log_density import require_normal
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.studies.keys import store_at
from bayesdense.studies.left_out import Runs
from bayesdense.studies.stacking import clustered_error, stacking_weights
from bayesdense.studies.units import units_of

__all__ = ["CRITERIA", "RulerComparison", "compare_rulers"]

CRITERIA = ("leave one out", "leave one family out", "leave the largest out")
# Columns of the summary that there is room for.
SHOWN = ["criterion", "ruler", "elpd", "difference", "se", "weight", "high_k", "rhat", "trusted"]


class RulerComparison:
    """How well each of several rulers predicts what it has not seen.

    `compare_rulers` makes one.

    Attributes
    ----------
    notes : list of str
        What could not be compared, and why.
    """

    def __init__(self, summary: pd.DataFrame, pointwise: pd.DataFrame, notes: list[str]) -> None:
        self._summary, self._pointwise = summary, pointwise
        self.notes = notes

    def summary(self) -> pd.DataFrame:
        """Return one row for each criterion and ruler, best first.

        Returns
        -------
        pandas.DataFrame
            Columns ``criterion``, ``ruler``, ``law``, ``score_map``, ``elpd``
            (expected log predictive density, the sum of ``elpd_losses`` and
            ``elpd_scores``), ``difference`` to the best, ``se`` of it (with
            whole models as clusters, or families where those are left out; for
            the largest runs, given that split), ``weight`` (stacking; what is
            mixed is the product of the densities of a cluster's units),
            ``units`` and ``models`` (left out), ``high_k`` (units whose Pareto
            k was too high), ``refitted`` (those of them that were left out by
            another fit), the worst ``rhat`` and ``ess`` and all
            ``divergences`` of the fits behind a row, and whether it can be
            ``trusted``.
        """
        return self._summary.copy()

    def pointwise(self) -> pd.DataFrame:
        """Return one row for each criterion, ruler and unit.

        Returns
        -------
        pandas.DataFrame
            Columns ``criterion``, ``ruler``, ``quantity``, ``model``,
            ``family``, ``of``, ``elpd``, ``pareto_k``.
        """
        return self._pointwise.copy()

    def weights(self, criterion: str = CRITERIA[0]) -> dict[str, float]:
        """Return the stacking weights of the rulers.

        Parameters
        ----------
        criterion : str
            One of those in the summary.

        Returns
        -------
        dict of str to float
        """
        rows = self._summary[self._summary["criterion"] == criterion]
        if not len(rows):
            known = ", ".join(repr(c) for c in self._summary["criterion"].unique())
            raise BayesdenseError(f"criterion must be one of {known}, not {criterion!r}")
        return dict(zip(rows["ruler"], rows["weight"], strict=True))

    def __repr__(self) -> str:
        """Return the summary and the notes."""
        text = self._summary[SHOWN].to_string(index=False, float_format=lambda v: f"{v:.3g}")
        return "\n".join([text, *self.notes])

    def _repr_html_(self) -> str:
        """Return the summary and the notes for a notebook."""
        count = self._summary["ruler"].nunique()
        trusted = bool(self._summary["trusted"].all())
        verdict = "" if trusted else "Some of the fits are not to be trusted."
        title = f"Comparison of {count} rulers by what they predict"
        return card(title, verdict, *self.notes, table=self._summary[SHOWN])


def compare_rulers(
    data: Dataset,
    rulers: Mapping[str, Model[Any]],
    *,
    families: bool = True,
    largest: float | None = 0.2,
    draws: int | None = None,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int = 1,
    target_accept: float | None = None,
    max_refits: int = 20,
    progressbar: bool = True,
    store: str | os.PathLike[str] | None = None,
) -> RulerComparison:
    """Compare loss laws, score maps and sizes by what they predict.

    A unit is a measured loss, or all scores of one model on one benchmark
    with the deviation of that cell integrated out. Three criteria, from the
    mildest to the hardest:

    - leave one out: PSIS-LOO; units whose Pareto k is above 0.7 are left out
      in earnest, by another fit;
    - leave one family out: in turn every family of more than one model, of
      targets or, without targets, of references;
    - leave the largest out: the largest reference runs, from the smaller.

    Scores of a run with a measured loss are predicted given that loss: what
    they judge is the map, and the losses judge the law. What is left out has
    no other say in the fit; only the scale of some priors (mean and spread of
    the losses) and the centres are those of all data.

    Parameters
    ----------
    data : Dataset
        With what the models need.
    rulers : mapping of str to RulerModel or DensityModel
        At least two, of one kind, by a name for each.
    families : bool
        Whether to leave families out: one fit for each family and ruler.
    largest : float, optional
        Share of the reference models to leave out as the largest; models of
        one size stay together. None leaves none out.
    draws, tune, chains, cores, random_seed, target_accept
        How to sample each fit; `draws` and `target_accept` are by default
        those of the models' own ``fit``.
    max_refits : int
        Most units of a ruler that are left out in earnest, those of the
        highest Pareto k first.
    progressbar : bool
        Whether to show progress bars.
    store : path-like, optional
        Folder for what each fit gave, so that a comparison that was stopped
        goes on where it was. What is there of other data, rulers or settings
        is not used.

    Returns
    -------
    RulerComparison

    Raises
    ------
    BayesdenseError
        If there are fewer than two rulers, or they cannot be compared; before
        anything is fitted.
    SamplingError
        If the sampler failed.
    SamplingInterrupted
        On Ctrl-C; what is in `store` is kept.
    """
    _check_rulers(rulers, largest, max_refits)
    folder = store_at(store)
    first: Any = next(iter(rulers.values()))
    own = inspect.signature(first.fit).parameters
    settings = SamplingSettings(
        draws=own["draws"].default if draws is None else draws,
        tune=tune,
        chains=chains,
        cores=cores,
        random_seed=random_seed,
        target_accept=own["target_accept"].default if target_accept is None else target_accept,
    )
    rows: list[dict[str, Any]] = []
    points: list[pd.DataFrame] = []
    notes: list[str] = []
    designs: dict[str, Design] = {}
    for name, model in rulers.items():
        design = designs[name] = model.make_design(data)
        notes += [note for note in dict.fromkeys(model.check(data)) if note not in notes]
        require_normal(design)
        if not units_of(design).equals(units_of(designs[next(iter(rulers))])):
            raise BayesdenseError(f"'{name}' does not use the same losses and scores as the others")
    units = units_of(design)
    groups: dict[str, list[np.ndarray]] = {
        CRITERIA[1]: _family_groups(units) if families else [],
        CRITERIA[2]: _largest_group(units, largest) if largest is not None else [],
    }
    groups = {criterion: _with_rest(units, found, notes) for criterion, found in groups.items()}
    if families and not groups[CRITERIA[1]]:
        notes.append("No family was left out: that takes two, one of them of several models.")
    for name, model in rulers.items():
        run = Runs(name, model, data.digest, designs[name], settings, progressbar, folder)
        found = {CRITERIA[0]: run.leave_one_out(max_refits)}
        found |= {c: run.leave_out(g) for c, g in groups.items() if g}
        for criterion, (elpd, k, extra) in found.items():
            points.append(
                units.assign(criterion=criterion, ruler=name, elpd=elpd, pareto_k=k).dropna(
                    subset="elpd"
                )
            )
            rows.append(
                {
                    "criterion": criterion,
                    "ruler": name,
                    "law": model.spec.law.name,
                    "score_map": model.spec.score_map.name,
                    **extra,
                }
            )
        left = rows[-len(found)]["high_k"] - rows[-len(found)]["refitted"]
        if left:
            notes.append(
                f"{name}: {left} units with a high Pareto k were not left out in earnest; raise "
                "max_refits."
            )
    pointwise = pd.concat(points, ignore_index=True)
    return RulerComparison(_table(pd.DataFrame(rows), pointwise), pointwise, notes)


def _check_rulers(rulers: Any, largest: float | None, refits: int) -> None:
    if not isinstance(rulers, Mapping) or len(rulers) < 2:
        raise BayesdenseError("rulers must be a dict of at least two models, by a name for each")
    kinds = {type(model) for model in rulers.values()}
    if len(kinds) > 1 or not issubclass(next(iter(kinds)), Model):
        raise BayesdenseError(
            "rulers must all be RulerModels or all be DensityModels, not "
            + " and ".join(sorted(kind.__name__ for kind in kinds))
        )
    if any(getattr(model.spec, "ruler", "joint") == "cut" for model in rulers.values()):
        raise BayesdenseError("a cut ruler has no joint density to compare: use ruler='joint'")
    if largest is not None and not 0 < largest < 1:
        raise BayesdenseError(f"largest must be between 0 and 1, or None, not {largest!r}")
    if type(refits) is not int or refits < 0:
        raise BayesdenseError(f"max_refits must be a whole number from 0, not {refits!r}")


def _family_groups(units: pd.DataFrame) -> list[np.ndarray]:
    """Return the units of each family, of targets where there are any."""
    of = units if units["is_reference"].all() else units[~units["is_reference"]]
    groups = []
    sizes = of.groupby("family")["model"].nunique()
    several = sizes[sizes > 1]
    if len(several) + (sizes == 1).sum() < 2:
        return []
    for family in several.index:
        group = (units["family"] == family) & (units["is_reference"] == of["is_reference"].iloc[0])
        groups.append(group.to_numpy())
    return groups


def _largest_group(units: pd.DataFrame, share: float) -> list[np.ndarray]:
    references = units[units["is_reference"]].drop_duplicates("model")
    sizes = np.sort(references["n_params"].to_numpy())
    if len(set(sizes)) < 2:
        return []
    threshold = sizes[-max(1, round(share * len(sizes)))]
    # Models of one size stay together, and the smallest is never left out.
    threshold = max(threshold, sizes[sizes > sizes[0]][0])
    group = units["is_reference"] & (units["n_params"] >= threshold)
    return [group.to_numpy()]


def _with_rest(units: pd.DataFrame, groups: list[np.ndarray], notes: list[str]) -> list[np.ndarray]:
    """Return the groups without which there is something of every kind left to fit."""
    kept = []
    for group in groups:
        rest = set(units.loc[~group, "quantity"])
        if rest == set(units["quantity"]):
            kept.append(group)
            continue
        families = ", ".join(sorted(set(units.loc[group, "family"])))
        notes.append(f"Models of {families} were not left out: without them the rest is no ruler.")
    return kept


def _table(rows: pd.DataFrame, pointwise: pd.DataFrame) -> pd.DataFrame:
    """Add sums, differences and weights, with whole models or families as clusters."""
    parts = []
    for criterion in [c for c in CRITERIA if c in set(rows["criterion"])]:
        table = rows[rows["criterion"] == criterion].set_index("ruler")
        points = pointwise[pointwise["criterion"] == criterion]
        by_quantity = points.pivot_table(
            index="ruler", columns="quantity", values="elpd", aggfunc="sum"
        )
        for quantity, column in (("loss", "elpd_losses"), ("score", "elpd_scores")):
            sums = by_quantity.get(quantity, 0.0)
            table[column] = sums
        table["elpd"] = table["elpd_losses"] + table["elpd_scores"]
        # Models of a family that was left out share one fit and what it did not know.
        of = "family" if criterion == CRITERIA[1] else "model"
        clusters = points.pivot_table(index=of, columns="ruler", values="elpd", aggfunc="sum")
        best = str(table["elpd"].idxmax())
        table["difference"] = table["elpd"] - float(table["elpd"].max())
        table["se"] = [
            0.0 if name == best else clustered_error((clusters[name] - clusters[best]).to_numpy())
            for name in table.index
        ]
        names = list(clusters.columns)
        weights = stacking_weights(clusters[names].to_numpy())
        table["weight"] = pd.Series(weights, index=names)
        table["units"] = len(points) // len(table)
        table["models"] = points["model"].nunique()
        parts.append(table.sort_values("elpd", ascending=False).reset_index())
    columns = ["criterion", "ruler", "law", "score_map", "elpd", "elpd_losses", "elpd_scores"]
    columns += ["difference", "se", "weight", "units", "models", "high_k", "refitted"]
    table = pd.concat(parts, ignore_index=True)[[*columns, "rhat", "ess", "divergences"]]
    good = (table["rhat"] <= MAX_RHAT) & (table["ess"] >= MIN_ESS) & (table["divergences"] == 0)
    good &= table["high_k"] == table["refitted"]
    return table.assign(trusted=good)
