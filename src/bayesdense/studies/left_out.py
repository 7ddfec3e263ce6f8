"""What a ruler predicts of what it has not seen: fits to all data, and to all but some."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesdense.data.atomic import write_text
from bayesdense.model import Design
from bayesdense.models.base import Drawn, Model
from bayesdense.posterior.diagnostics import worst
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.log_density import log_densities
from bayesdense.sampler.initial_points import spread_out
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.settings import Run, SamplingSettings
from bayesdense.studies.keys import key_of
from bayesdense.studies.units import withhold

__all__ = ["Runs"]

HIGH_K = 0.7
MOST_DRAWS = 1000


@dataclass
class Runs:
    """The fits of one ruler, whole and in part.

    Attributes
    ----------
    name : str
        Of the ruler.
    model : RulerModel or DensityModel
        The ruler.
    data_digest : str
        Of the data.
    design : Design
        The data under the model.
    settings : SamplingSettings
        How to sample.
    progressbar : bool
        Whether to show progress bars.
    store : pathlib.Path, optional
        Folder for what each fit gave.
    """

    name: str
    model: Model[Any]
    data_digest: str
    design: Design
    settings: SamplingSettings
    progressbar: bool
    store: Path | None = None

    def __post_init__(self) -> None:
        """Start without diagnostics."""
        self.diagnostics: list[dict[str, float]] = []

    def leave_one_out(self, max_refits: int) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Return PSIS-LOO of every unit, refitted where the weights cannot be relied on.

        Parameters
        ----------
        max_refits : int
            Most units that are left out in earnest.

        Returns
        -------
        elpd, pareto_k : numpy.ndarray, shape (unit,)
        summary : dict
            Counts, and the worst diagnostics.
        """
        self.diagnostics = []
        everything = self._of(None, "all")
        elpd, k = (np.array(everything[name], dtype=float) for name in ("elpd", "pareto_k"))
        # Not "above": what is no number is not good either.
        high = np.flatnonzero(~(k <= min(everything["good_k"], HIGH_K)))
        refitted = high[np.argsort(-k[high])][:max_refits]
        for count, unit in enumerate(refitted):
            one = np.zeros(len(k), dtype=bool)
            one[unit] = True
            elpd[unit] = self.without(one, f"{count + 1} of {len(refitted)} left out")[0]
        return elpd, k, self._summary(high_k=len(high), refitted=len(refitted))

    def leave_out(self, groups: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Return the log density of every unit given the data without its group.

        Parameters
        ----------
        groups : list of numpy.ndarray of bool, shape (unit,)
            What to leave out together.

        Returns
        -------
        elpd, pareto_k : numpy.ndarray, shape (unit,)
            NaN for what is in no group.
        summary : dict
            As for `leave_one_out`.
        """
        self.diagnostics = []
        elpd = np.full(len(groups[0]), np.nan)
        for i, group in enumerate(groups):
            elpd[group] = self.without(group, f"group {i + 1} of {len(groups)} left out")
        return elpd, np.full(len(elpd), np.nan), self._summary(high_k=0, refitted=0)

    def without(self, left_out: np.ndarray, label: str) -> np.ndarray:
        """Return the log density of units given all others.

        Parameters
        ----------
        left_out : numpy.ndarray of bool, shape (unit,)
            Which units.
        label : str
            What is being fitted, for the progress bar.

        Returns
        -------
        numpy.ndarray, shape (left out,)
        """
        return np.array(self._of(left_out, label)["elpd"], dtype=float)

    def _of(self, left_out: np.ndarray | None, label: str) -> dict[str, Any]:
        """Return what one fit gave, from the store if it is there."""
        file = None if self.store is None else self.store / f"{self._key(left_out)}.json"
        if file is not None and file.exists():
            found: dict[str, Any] = json.loads(file.read_text())
        else:
            found = self._fitted(left_out, label)
            if file is not None:
                write_text(file, json.dumps(found))
        self.diagnostics.append(found["diagnostics"])
        return found

    def _key(self, left_out: np.ndarray | None) -> str:
        """Return a name for a fit that no other data, model or settings have."""
        units = None if left_out is None else np.flatnonzero(left_out).tolist()
        return key_of(self.data_digest, self.model.spec, self.settings, units)

    def _fitted(self, left_out: np.ndarray | None, label: str) -> dict[str, Any]:
        design = self.design if left_out is None else withhold(self.design, left_out)
        drawn, diagnostics = self._fit(design, label)
        thinned = spread_out(drawn.result.posterior, MOST_DRAWS)
        draws = Draws(thinned)
        # All units, read as the draws were made.
        whole = dataclasses.replace(self.design, lowest_loss=design.lowest_loss)
        density = log_densities(draws, whole, left_out)
        if left_out is not None:
            return {"diagnostics": diagnostics, "elpd": _log_mean(density).tolist()}
        elpd, k, good = _psis(density, thinned.sizes["chain"])
        return {
            "diagnostics": diagnostics,
            "elpd": elpd.tolist(),
            "pareto_k": k.tolist(),
            "good_k": good,
        }

    def _fit(self, design: Design, label: str) -> tuple[Drawn, dict[str, float]]:
        drawn = self.model.sample_design(
            design, Run(self.settings, f"{self.name}, {label}", self.progressbar)
        )
        if drawn.result.interrupted:
            raise SamplingInterrupted(f"interrupted in '{self.name}', {label}: this fit is lost")
        return drawn, {
            **worst(drawn.result.posterior, drawn.free)._asdict(),
            "divergences": int(drawn.result.sample_stats["diverging"].sum()),
        }

    def _summary(self, **counts: int) -> dict[str, Any]:
        """Return the worst diagnostics of the fits so far."""
        worst: dict[str, Callable[[Any], Any]] = {"rhat": max, "ess": min, "divergences": sum}
        return counts | {n: pick([d[n] for d in self.diagnostics]) for n, pick in worst.items()}


def _psis(log_density: np.ndarray, chains: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return expected log densities by PSIS-LOO, their Pareto k, and up to where k is good."""
    import arviz as az
    import xarray as xr

    by_chain = log_density.reshape(chains, -1, log_density.shape[1])
    likelihood = xr.Dataset({"units": (("chain", "draw", "unit"), by_chain)})
    tree = xr.DataTree.from_dict({"posterior": likelihood, "log_likelihood": likelihood})
    with warnings.catch_warnings():
        # What it warns of, high Pareto k, is counted and mended.
        warnings.simplefilter("ignore", UserWarning)
        found = az.loo(tree, pointwise=True, var_name="units")
    return np.array(found.elpd_i.values), np.array(found.pareto_k.values), float(found.good_k)


def _log_mean(log_density: np.ndarray) -> np.ndarray:
    from scipy.special import logsumexp

    return np.asarray(logsumexp(log_density, axis=0) - np.log(len(log_density)))
