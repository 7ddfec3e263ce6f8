"""The joint density of a PyMC model at given values, whatever its coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor
from pymc.logprob.basic import conditional_logp
from pytensor.compile.mode import Mode

PYTHON = {"mode": "FAST_COMPILE"}
# Each code is run once, and rewriting it takes longer than that.
AS_IT_IS = {"mode": Mode(linker="py", optimizer=None), "on_unused_input": "ignore"}


def drawn_from_prior(model: Any, seed: int = 0, draws: int | None = None) -> dict[str, np.ndarray]:
    """Return values of all free and deterministic variables, drawn from the prior."""
    names = [str(v.name) for v in (*model.free_RVs, *model.deterministics)]
    count = 1 if draws is None else draws
    values = pm.draw([model[n] for n in names], draws=count, random_seed=seed, **PYTHON)
    return dict(zip(names, map(np.asarray, values), strict=True))


def log_densities(model: Any, values: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the log density of every variable, without any change of coordinates."""
    variables = model.basic_RVs
    symbols = {rv: rv.type(name=f"{rv.name}_value") for rv in variables}
    terms = conditional_logp(symbols)
    names = {symbol: str(rv.name) for rv, symbol in symbols.items()}
    code = pytensor.function(
        list(symbols.values()),
        [term.sum() for term in terms.values()],
        **AS_IT_IS,
    )
    given = []
    for rv in variables:
        if rv in model.observed_RVs:
            observed = model.rvs_to_values[rv]
            get = getattr(observed, "get_value", lambda observed=observed: observed.data)
            given.append(np.asarray(get()))
        else:
            given.append(np.asarray(values[str(rv.name)], dtype=float))
    found = code(*given)
    return {names[symbol]: float(v) for symbol, v in zip(terms, found, strict=True)}


def log_density_of_draws(fit: Any, draws: int = 3) -> list[dict[str, float]]:
    """Return the log density of every variable at the first draws of a density fit's first chain.

    What was rounded for a file adds up to zero again, as its density asks for.
    """
    from bayesdense.model import build_model

    model, found = build_model(fit._design), []
    for draw in range(draws):
        point = fit.posterior.isel(chain=0, draw=draw)
        values = {}
        for variable in model.free_RVs:
            value = np.asarray(point[str(variable.name)].values, dtype=float)
            if "zerosum" in type(variable.owner.op).__name__.lower():
                value = value - value.mean()
            values[str(variable.name)] = value
        found.append(log_densities(model, values))
    return found


def starting_point(sampled: Any, values: Any = None) -> dict[str, np.ndarray]:
    """Return the coordinates of some values, or of those at which chains start, by name."""
    import pytensor.tensor as pt

    model = sampled.model
    symbols = {v: pt.constant((values or sampled.starts)[str(v.name)]) for v in model.free_RVs}
    moved = {}
    for variable, start in symbols.items():
        transform = model.rvs_to_transforms[variable]
        value = start if transform is None else transform.forward(start, *variable.owner.inputs)
        moved[model.rvs_to_values[variable].name] = value
    code = pytensor.function([], list(moved.values()), givens=list(symbols.items()), **AS_IT_IS)
    return dict(zip(moved, map(np.asarray, code()), strict=True))


def as_sampled(model: Any, **starts: np.ndarray) -> Any:
    """Return a PyMC model for the sampler as it is."""
    from bayesdense.coordinates.reparametrise import SamplerModel

    free = [str(v.name) for v in model.free_RVs]
    return SamplerModel(model=model, starts=starts, near={}, bases={}, terms=(), free=free)
