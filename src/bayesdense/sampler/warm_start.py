"""Draws of one fit as the beginning of another's warm-up.

A study fits much the same data again and again. Where the ruler lies, and where the cells are on
it, is known from its first fit well enough to do without the first pilot, the dearest part of a
warm-up. Whatever the draws say, the chains that are kept are tuned and mix on their own: what is
carried changes where they start and their coordinates, and not what they sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.data import Dataset
from bayesdense.data.atomic import write_file
from bayesdense.model import Design
from bayesdense.sampler.initial_points import evenly_spread, spread_out
from bayesdense.spec import RulerSpec

__all__ = ["Beginning", "WarmStart", "few_of_many", "scored_targets"]

# As many as a pilot has: coordinates need no more.
KEPT = 300
# Variables of a ruler besides the coefficients of its law, and how their names may end where some
# benchmarks are read through losses and some are not.
RULER_VARIABLES = (
    *("map_logit_at_centre", "map_slope_at_centre", "map_midpoint_loss", "map_steepness"),
    *("map_floor", "map_span", "source_noise_sd", "cell_effect_sd"),
    *("cell_effect_sd_mean", "cell_effect_sd_sd"),
)
KINDS = ("", "_with_losses", "_scores_only")
# From how many targets on a few are fitted first, and how many those are.
MANY, FEW = 400, 150


@dataclass(frozen=True)
class Beginning:
    """Draws that a warm-up begins with.

    Attributes
    ----------
    draws : xarray.Dataset
        Dimensions ``chain`` and ``draw`` first; variables of which part is
        not known are absent.
    same : bool
        Whether they are draws of the very posterior that is to be sampled.
    """

    draws: xr.Dataset
    same: bool


@dataclass(frozen=True)
class WarmStart:
    """What another fit can take from one.

    Attributes
    ----------
    draws : xarray.Dataset
        Some of its draws, in single precision; cells are labelled by model
        and benchmark.
    spec : RulerSpec
        The composition of its model.
    data_digest : str
        Of what was fitted.
    """

    draws: xr.Dataset
    spec: RulerSpec
    data_digest: str

    @classmethod
    def of(cls, posterior: xr.Dataset, design: Design, data_digest: str) -> WarmStart:
        """Return what can be taken from a fit.

        Parameters
        ----------
        posterior : xarray.Dataset
            Its draws.
        design : Design
            Its dataset under its model.
        data_digest : str
            Of its dataset.

        Returns
        -------
        WarmStart
        """
        draws = spread_out(posterior, KEPT)
        if "cell" in draws.dims:
            draws = draws.assign_coords(cell=_cells(design))
        # In the order that a file or another process gives them back: NumPy adds up in the order of
        # memory, and what differs in rounding gives other draws.
        return cls(draws.astype(np.float32, order="C"), design.spec, data_digest)

    def save(self, file: Path) -> None:
        """Write the draws, completely or not at all, whoever else writes them.

        Parameters
        ----------
        file : pathlib.Path
            The file; its folder must exist.
        """
        # In memory first: on a full disk HDF5 does not raise, but ends the process.
        written = self.draws.drop_attrs().to_netcdf(engine="h5netcdf")
        write_file(file, lambda scratch: scratch.write_bytes(written))

    @classmethod
    def load(cls, file: Path, spec: RulerSpec, data_digest: str) -> WarmStart | None:
        """Read the draws of a fit.

        Parameters
        ----------
        file : pathlib.Path
            What `save` wrote.
        spec : RulerSpec
            The composition of its model.
        data_digest : str
            Of its dataset.

        Returns
        -------
        WarmStart or None
            None where the file is damaged.
        """
        try:
            return cls(xr.load_dataset(file, engine="h5netcdf"), spec, data_digest)
        except Exception:
            # The libraries below raise a dozen kinds of error on a damaged file.
            return None

    def for_other(self, design: Design, model: Any, data_digest: str) -> Beginning | None:
        """Return the draws as another model of other data has them.

        Parameters
        ----------
        design : Design
            The other dataset under the other model.
        model : pymc.Model
            The other model, built.
        data_digest : str
            Of the other dataset.

        Returns
        -------
        Beginning or None
            None where the rulers have other parts, the other data have a
            benchmark that these do not have, or one is read through losses
            here and not there. Models and cells may be others.
        """
        if _ruler_parts(design.spec) != _ruler_parts(self.spec):
            return None
        labels = {**model.coords, "cell": _cells(design)}
        found = {}
        for name, values in self.draws.data_vars.items():
            dims = [str(dim) for dim in values.dims if dim not in ("chain", "draw")]
            own = {dim: list(labels.get(dim, ())) for dim in dims}
            there = {dim: set(values[dim].values.tolist()) for dim in dims}
            if all(own[dim] and set(own[dim]) <= there[dim] for dim in dims):
                found[name] = values.sel(own).drop_vars("cell", errors="ignore")
        # A ruler of which part is unknown sets no coordinates.
        of_law = {*design.spec.law.coefficients, *design.spec.law.shape}
        pooled = {f"{name}_{of}" for name in of_law for of in ("mean", "sd")}
        names = (*of_law, *pooled, *RULER_VARIABLES)
        needed = {name + kind for name in names for kind in KINDS} & set(model.named_vars)
        if not needed <= found.keys():
            return None
        same = data_digest == self.data_digest and design.spec.to_dict() == self.spec.to_dict()
        return Beginning(xr.Dataset(found).astype(float), same)


def _cells(design: Design) -> list[str]:
    """Return labels of cells that other data have too."""
    models, benchmarks = (np.array(design.coords[d], dtype=object) for d in ("model", "benchmark"))
    own = models[design.arrays["cell_model"]], benchmarks[design.arrays["cell_benchmark"]]
    return [f"{model}\n{benchmark}" for model, benchmark in zip(*own, strict=True)]


def _ruler_parts(spec: RulerSpec) -> list[object]:
    """Return the parts that say what the coefficients of a ruler mean."""
    parts = [(type(part), sorted(vars(part).items())) for part in (spec.law, spec.score_map)]
    return [*parts, getattr(spec, "ruler", None), spec.d0]


def scored_targets(data: Dataset) -> pd.DataFrame:
    """Return the targets that have scores on the benchmarks that are fitted.

    Parameters
    ----------
    data : Dataset
        The dataset.

    Returns
    -------
    pandas.DataFrame
        Rows of ``data.targets``.
    """
    scores = data.scores[data.scores["benchmark"].isin(data.core_benchmarks)]
    return data.targets[data.targets["model"].isin(set(scores["model"]))]


def few_of_many(data: Dataset) -> Dataset | None:
    """Return the references and some of the targets, spread over time, if there are very many.

    The ruler of a few is near that of all, and is found in a fraction of the time.

    Parameters
    ----------
    data : Dataset
        The whole.

    Returns
    -------
    Dataset or None
        None where all can as well be fitted at once.
    """
    scored = scored_targets(data)
    if len(scored) < MANY:
        return None
    by_date = scored.sort_values("release_date", kind="stable", na_position="last")
    chosen = evenly_spread(len(by_date), FEW)
    return data.select(models=by_date["model"].iloc[chosen].tolist())
