"""A fit as ArviZ reads it: one DataTree with the groups of its schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.fit.info import FitInfo
from bayesdense.fit.two_steps import refuse_two_steps
from bayesdense.model import Design, build_model
from bayesdense.model.loss_data import LOSS_DEGREES
from bayesdense.model.numbers import measured_dims
from bayesdense.model.precision import in_double_precision
from bayesdense.model.variables import describe, symbols_of
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import TABLE_SEED
from bayesdense.posterior.log_density import (
    log_densities,
    loss_log_densities,
    loss_noise,
    score_log_densities,
)
from bayesdense.posterior.prior_variables import variables_of_prior
from bayesdense.sampler.initial_points import evenly_spread
from bayesdense.tables.scores import most_replicates, replicate_scores

if TYPE_CHECKING:
    import xarray as xr

    from bayesdense.data import Dataset
    from bayesdense.priors import Prior

__all__ = ["ALWAYS", "ON_REQUEST", "make_datatree", "thinned"]

ALWAYS = ("posterior", "sample_stats", "observed_data", "constant_data")
"""The groups that every tree has."""

ON_REQUEST = (
    "prior",
    "prior_predictive",
    "posterior_predictive",
    "log_prior",
    "log_likelihood",
)
"""The groups that take time or memory."""

EVERYTHING = "all"
SAMPLE = ("chain", "draw")

NUMBERS = {
    "target_years": ("release date", "years since the mean date of the dated targets"),
    "relative_log_size": ("log size, less the mean of the references", "1"),
    "cell_items": ("number of items", "1"),
    "cell_loss": ("measured loss of the run", "unit of the loss"),
    "cell_tokens": ("log number of tokens, less the mean of the references", "1"),
    "loss_tokens": ("log number of tokens, less the mean of the references", "1"),
}
"""Long names and units of what was measured."""


class Drawn(Protocol):
    """What is read of a fit."""

    kind: ClassVar[str]
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    data: Dataset
    spec: Any
    info: FitInfo

    @property
    def _design(self) -> Design: ...

    @property
    def priors(self) -> dict[str, Prior]:
        """The priors in force, by parameter."""

    @property
    def interrupted(self) -> str:
        """Empty, or how many draws were kept when sampling was stopped."""

    @property
    def approximation(self) -> str:
        """Empty, or what was approximated."""


def make_datatree(
    fit: Drawn,
    groups: str | Sequence[str] = (),
    *,
    by: str = "cell",
    new_cells: bool = True,
    draws: int | None = None,
    prior_draws: int = 500,
    random_seed: int = TABLE_SEED,
) -> xr.DataTree:
    """Return a fit as a DataTree; see `Fit.to_datatree`.

    Parameters
    ----------
    fit : Fit
        The fit; it is not changed.
    groups, by, new_cells, draws, prior_draws, random_seed
        As for `Fit.to_datatree`.

    Returns
    -------
    xarray.DataTree
    """
    import xarray as xr

    wanted = _check_groups(groups)
    if by not in ("cell", "score"):
        raise BayesdenseError(f"by must be 'cell' or 'score', not {by!r}")
    for name, count in (("draws", draws), ("prior_draws", prior_draws)):
        if count is not None and count < 1:
            raise BayesdenseError(f"{name} must be at least 1, not {count!r}")
    design = fit._design
    posterior, stats = fit.posterior, fit.sample_stats
    if draws is not None:
        posterior, stats = thinned(posterior, draws), thinned(stats, draws)
    make: dict[str, Callable[[], xr.Dataset]] = {
        "posterior": lambda: _described(posterior, fit),
        "sample_stats": lambda: stats,
        "observed_data": lambda: _observed(design),
        "constant_data": lambda: _constant(design),
        "posterior_predictive": lambda: _replicates(
            fit, posterior, new_cells=new_cells, random_seed=random_seed
        ),
        "log_prior": lambda: _log_prior(fit, posterior),
        "log_likelihood": lambda: _log_likelihood(fit, posterior, by),
    }
    if "prior" in wanted or "prior_predictive" in wanted:
        # Both are drawn at once, so that draws of one belong to those of the other.
        drawn = _from_prior(fit, prior_draws, random_seed)
        make["prior"] = lambda: _described(drawn["prior"].to_dataset(), fit)
        make["prior_predictive"] = lambda: drawn["prior_predictive"].to_dataset()
    tree = xr.DataTree.from_dict({name: _labelled(make[name](), design) for name in wanted})
    tree.attrs = {"dataset": fit.data.name, "fit": fit.kind}
    for name in ("approximation", "interrupted"):
        if getattr(fit, name):
            tree.attrs[name] = getattr(fit, name)
    return tree


def _check_groups(groups: str | Sequence[str]) -> list[str]:
    """Return the names of all groups of a tree, in order."""
    known = (*ALWAYS, *ON_REQUEST)
    asked = [groups] if isinstance(groups, str) else list(groups)
    for name in asked:
        if name not in (*known, EVERYTHING):
            raise UnknownNameError.of("group", name, (*known, EVERYTHING))
    return [n for n in known if n in (*ALWAYS, *asked) or EVERYTHING in asked]


def thinned(dataset: xr.Dataset, most: int) -> xr.Dataset:
    """Return evenly spread draws of every chain, at most so many over all chains.

    Parameters
    ----------
    dataset : xarray.Dataset
        With dimensions ``chain`` and ``draw``.
    most : int
        How many; of each chain there is one at least.

    Returns
    -------
    xarray.Dataset
    """
    each = max(1, most // dataset.sizes["chain"])
    return dataset.isel(draw=evenly_spread(dataset.sizes["draw"], each))


def _described(dataset: xr.Dataset, fit: Drawn) -> xr.Dataset:
    """Return draws of variables with what each of them is."""
    spec = fit.spec
    parts = [spec.law, spec.score_map, spec.size, getattr(spec, "trend", None)]
    return describe(dataset, symbols_of(*parts))


def _labelled(dataset: xr.Dataset, design: Design) -> xr.Dataset:
    """Return a dataset in which numbered dimensions have names that a person can read."""
    arrays, models = design.arrays, np.array(design.coords["model"], dtype=object)
    labels: dict[str, dict[str, Any]] = {"cell": {}, "score_id": {}, "loss_id": {}}
    if design.size("cell"):
        benchmarks = np.array(design.coords["benchmark"], dtype=object)
        labels["cell"] = {
            "cell_model": models[arrays["cell_model"]],
            "cell_benchmark": benchmarks[arrays["cell_benchmark"]],
        }
        columns = ("model", "benchmark", "source", "harness")
        labels["score_id"] = {f"score_{c}": design.scores[c].to_numpy(object) for c in columns}
    if design.size("loss_id"):
        sets = np.array(design.loss_sets, dtype=object)
        labels["loss_id"] = {
            "loss_model": models[arrays["loss_model"]],
            "loss_set_name": sets[arrays["loss_set_code"]],
        }
    return dataset.assign_coords(
        {
            name: (dim, np.asarray(values, dtype=str))
            for dim, found in labels.items()
            for name, values in found.items()
            if dim in dataset.dims
        }
    )


def _observed(design: Design) -> xr.Dataset:
    """Return the measured scores and the logarithms of the measured losses."""
    import xarray as xr

    names = {"score": "score_id", "loss": "loss_id"}
    return xr.Dataset(
        {n: (d, design.arrays[f"{n}_observed"]) for n, d in names.items() if design.size(d)},
        coords={d: design.coords[d] for d in names.values() if design.size(d)},
    )


def _constant(design: Design) -> xr.Dataset:
    """Return what else was measured, as the model reads it."""
    import xarray as xr

    dims = measured_dims(design.arrays, design.coords)
    found = xr.Dataset(
        {name: (dim, design.arrays[name]) for name, dim in dims.items()},
        coords={dim: design.coords[dim] for dim in dims.values()},
    )
    for name in found.data_vars:
        found[name].attrs = dict(zip(("long_name", "units"), NUMBERS[str(name)], strict=True))
    return found


def _by_draw(
    posterior: xr.Dataset, values: dict[tuple[str, str], np.ndarray], design: Design
) -> Any:
    """Return arrays with draws on the first axis as variables with chains and draws."""
    import xarray as xr

    sizes = [posterior.sizes[dim] for dim in SAMPLE]
    return xr.Dataset(
        {n: ((*SAMPLE, dim), v.reshape(*sizes, -1)) for (n, dim), v in values.items()},
        coords={dim: posterior[dim] for dim in SAMPLE}
        | {dim: design.coords[dim] for _, dim in values},
    )


def _replicates(
    fit: Drawn, posterior: xr.Dataset, *, new_cells: bool, random_seed: int
) -> xr.Dataset:
    """Draw every score and every log loss again, for some of the draws."""
    design = fit._design
    few = thinned(posterior, most_replicates(design))
    draws, found = Draws(few), {}
    if design.size("score_id"):
        found["score", "score_id"] = replicate_scores(
            draws, design, new_cells=new_cells, random_seed=random_seed
        )
    if design.size("loss_id"):
        mean, scale = loss_noise(draws, design)
        noise = np.random.default_rng([random_seed, 1]).standard_t(LOSS_DEGREES, mean.shape)
        found["loss", "loss_id"] = mean + scale * noise
    return _by_draw(few, found, design)


def _log_likelihood(fit: Drawn, posterior: xr.Dataset, by: str) -> xr.Dataset:
    """Return the log density of cells or scores, and of losses."""
    refuse_two_steps(fit, "log_likelihood")
    design, spec, draws, found = fit._design, fit.spec, Draws(posterior), {}
    n_losses = design.size("loss_id")
    if design.size("cell") and by == "score":
        found["score", "score_id"] = score_log_densities(draws, design)
    elif design.size("cell"):
        if spec.observation != "normal":
            raise BayesdenseError(
                f"log_likelihood by cell needs observation='normal', not {spec.observation!r}: "
                "only then can the deviation of a cell be integrated out; by='score' gives "
                "that of single scores"
            )
        cells = np.arange(n_losses + design.size("cell")) >= n_losses
        found["cell_scores", "cell"] = log_densities(draws, design, cells)
    if n_losses:
        found["loss", "loss_id"] = loss_log_densities(draws, design)
    return _by_draw(posterior, found, design)


def _log_prior(fit: Drawn, posterior: xr.Dataset) -> xr.Dataset:
    """Return the log density of every prior, by variable."""
    import xarray as xr

    refuse_two_steps(fit, "log_prior")
    variables, found = [str(name) for name in posterior.data_vars], {}
    for name, prior in fit.priors.items():
        for variable in variables_of_prior(name, variables, fit.priors):
            values = posterior[variable].transpose(*SAMPLE, ...)
            found[variable] = values.copy(data=prior.log_density(values.values))
            found[variable].attrs = {"long_name": f"log density of {prior!r}"}
    return xr.Dataset(found)


@in_double_precision
def _from_prior(fit: Drawn, draws: int, random_seed: int) -> Any:
    """Draw variables, scores and log losses from the prior of the model."""
    import pymc as pm

    return pm.sample_prior_predictive(
        draws=draws,
        model=build_model(fit._design),
        random_seed=random_seed,
        # Numba takes longer to compile, and warns of distributions that it does not know.
        compile_kwargs={"mode": "FAST_COMPILE"},
    )
