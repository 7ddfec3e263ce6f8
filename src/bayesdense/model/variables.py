"""The variables of the posterior: symbols of the paper, units and equations by descriptive name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["VARIABLES", "Variable", "attributes", "describe", "symbol_of", "symbols_of"]


@dataclass(frozen=True)
class Variable:
    """What is said of a variable in tables, in figures and in the attributes of a posterior.

    Attributes
    ----------
    symbol : str
        As docs/model.md and the paper write it.
    long_name : str
        In words.
    units : str
        ``"1"`` for numbers without a unit, among them natural logarithms.
    equation : str
        ``"eq. 1"`` to ``"eq. 5"`` of the paper, ``"observation"`` or ``"prior"``.
    """

    symbol: str
    long_name: str
    units: str
    equation: str


LOSS = "unit of the loss"
STEEPNESS = "1/(unit of the loss)"

VARIABLES: dict[str, Variable] = {
    # The loss law.
    "loss_floor": Variable("e", "loss that no size takes away", LOSS, "eq. 2"),
    "loss_size_term": Variable("a", "size term of the loss at the centre", LOSS, "eq. 2"),
    "loss_token_term": Variable("b", "token term of the loss at the centre", LOSS, "eq. 2"),
    "alpha": Variable("alpha", "exponent of the parameters", "1", "eq. 2"),
    "beta": Variable("beta", "exponent of the tokens", "1", "eq. 2"),
    "loss_noise_sd": Variable("sigma_loss", "scale of the noise of log losses", "1", "observation"),
    "expected_loss": Variable("L", "loss of a model on a benchmark", LOSS, "eq. 2"),
    # The score map.
    "map_steepness": Variable("gamma", "steepness of the score map", STEEPNESS, "eq. 3"),
    "map_midpoint_loss": Variable("l", "loss half-way between floor and ceiling", LOSS, "eq. 3"),
    "map_logit_at_centre": Variable("pi", "logit at the centre of the references", "1", "eq. 3"),
    "map_slope_at_centre": Variable("s", "slope of the logit in log size there", "1", "eq. 3"),
    "map_floor": Variable("d", "floor of the scores", "1", "eq. 3"),
    "map_span": Variable("c", "ceiling of the scores less their floor", "1", "eq. 3"),
    "ceiling_share": Variable("u", "share of what is above the floor in reach", "1", "eq. 3"),
    # Effective size and density.
    "log_size": Variable("ln N", "log size", "1", "eq. 1"),
    "log_density": Variable("ln rho", "log density", "1", "eq. 1"),
    "log_effective_size": Variable("ln N_eff", "log effective size on a benchmark", "1", "eq. 1"),
    "cell_effect": Variable("tau epsilon", "deviation of a model on a benchmark", "1", "eq. 1"),
    "cell_effect_sd": Variable("tau", "scale of the deviations on a benchmark", "1", "eq. 1"),
    "reference_effect": Variable("v_ref", "deviation of a reference run", "1", "eq. 1"),
    "reference_family_offset": Variable("r", "offset of a reference family", "1", "eq. 1"),
    # The trend of density.
    "growth_rate": Variable("A", "growth rate of log density", "1/year", "eq. 5"),
    "growth_rate_by_benchmark": Variable("A_j", "growth rate on a benchmark", "1/year", "eq. 5"),
    "growth_rate_deviation": Variable(
        "A_j - A", "deviation of the growth rate on a benchmark", "1/year", "eq. 5"
    ),
    "growth_rate_sd": Variable("sigma_A", "spread of growth rates", "1/year", "eq. 5"),
    "growth_rate_change": Variable("D", "change of the growth rate", "1/year", "eq. 5"),
    "change_place": Variable("q_c", "place of the change between its bounds", "1", "eq. 5"),
    "change_year": Variable("t_c", "date of the change, after the mean date", "year", "eq. 5"),
    "log_density_level": Variable("B", "log density at the mean date and 2e10", "1", "eq. 5"),
    "benchmark_offset": Variable("o", "offset of a benchmark", "1", "eq. 5"),
    "benchmark_offset_sd": Variable("sigma_o", "spread of offsets of benchmarks", "1", "eq. 5"),
    "size_slope": Variable("lambda", "slope of log density in log size", "1", "eq. 5"),
    "size_slope_by_benchmark": Variable("lambda_j", "size slope on a benchmark", "1", "eq. 5"),
    "size_slope_deviation": Variable(
        "lambda_j - lambda", "deviation of the size slope on a benchmark", "1", "eq. 5"
    ),
    "size_slope_sd": Variable("sigma_lambda", "spread of size slopes", "1", "eq. 5"),
    "benchmark_difference": Variable("g", "what a benchmark adds to a model", "1", "eq. 5"),
    "family_effect": Variable("f", "effect of a family", "1", "eq. 5"),
    "family_effect_sd": Variable("sigma_f", "scale of the effects of families", "1", "eq. 5"),
    "family_benchmark_effect": Variable("f2", "effect of a family on a benchmark", "1", "eq. 5"),
    "family_benchmark_effect_sd": Variable(
        "sigma_fj", "scale of the effects of families on a benchmark", "1", "eq. 5"
    ),
    "developer_effect": Variable("e", "effect of a developer", "1", "eq. 5"),
    "developer_effect_sd": Variable("sigma_e", "scale of the effects of developers", "1", "eq. 5"),
    "developer_benchmark_effect": Variable(
        "e2", "effect of a developer on a benchmark", "1", "eq. 5"
    ),
    "developer_benchmark_effect_sd": Variable(
        "sigma_ej", "scale of the effects of developers on a benchmark", "1", "eq. 5"
    ),
    "date_error": Variable("t - t_rep", "how much later a release was", "year", "eq. 5"),
    "within_family_growth": Variable(
        "A_w", "growth within families less that between them", "1/year", "eq. 5"
    ),
    "model_effect": Variable("v", "deviation of a model from the trend", "1", "eq. 5"),
    "model_effect_sd": Variable("sigma_v", "scale of the deviations of models", "1", "eq. 5"),
    "undated_log_density": Variable("ln rho", "log density of a dateless model", "1", "prior"),
    "frontier_total_sd": Variable("sigma", "scale of noise and lag together", "1", "eq. 5"),
    "lag_share": Variable("q", "share of the lag in the squared scale", "1", "eq. 5"),
    "lag_trend": Variable("w1", "growth rate of the scale of the lag", "1/year", "eq. 5"),
    "growth_walk_sd": Variable("sigma_h", "change of the growth rate in a year", "1/year", "eq. 5"),
    "growth_bends": Variable("b", "changes of the growth rate, standardised", "1", "eq. 5"),
    "spread_trend": Variable("psi", "growth rate of the spread of densities", "1/year", "eq. 5"),
    "lag_sd": Variable("sigma_w", "scale of the lag at the mean date", "1", "eq. 5"),
    # Measured scores.
    "expected_score": Variable("S", "score of a model on a benchmark", "1", "eq. 3"),
    "source_noise_sd": Variable("phi", "noise of a source of scores", "1", "observation"),
    "source_noise_exponent": Variable(
        "k", "exponent of p (1 - p) in the noise", "1", "observation"
    ),
    "source_noise_tilt": Variable("h", "slope of the log noise in the score", "1", "observation"),
    "harness_offset": Variable("eta", "offset of a harness, in logits", "1", "observation"),
    "harness_drift": Variable("kappa", "drift of a harness, in logits", "1/year", "observation"),
    "harness_offset_sd": Variable("sigma_eta", "scale of harness offsets", "1", "observation"),
    "item_effect": Variable("xi", "standardised noise of the items", "1", "observation"),
}
"""By name, in the order of the equations; laws and size definitions may have others."""

KINDS = {
    "_with_losses": "of loss sets",
    "_scores_only": "of benchmarks with scores only",
}
POOLED = {
    "_mean": ("mu", "mean of the logarithm"),
    "_sd": ("sigma", "spread of the logarithm"),
}


def attributes(name: str, symbols: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what is said of a variable.

    Parameters
    ----------
    name : str
        Of the variable, with or without an ending such as ``_scores_only``.
    symbols : mapping of str to str, optional
        Symbols of the coefficients that parts have of their own, as of
        `symbols_of`; where a name is in it, that is its symbol.

    Returns
    -------
    dict of str to str
        ``symbol``, ``long_name``, ``units`` and ``equation``. Of a name that is
        not known the symbol is the name itself.

    Examples
    --------
    >>> attributes("growth_rate")["symbol"], attributes("growth_rate")["units"]
    ('A', '1/year')
    >>> attributes("alpha_scores_only")["long_name"]
    'exponent of the parameters, of benchmarks with scores only'
    >>> attributes("compute_exponent_mean", {"compute_exponent": "eta"})["symbol"]
    'mu_eta'
    """
    own = symbols or {}
    if name in VARIABLES:
        found = VARIABLES[name]
    elif kind := _ending(name, KINDS):
        plain = attributes(name.removesuffix(kind), own)
        return {**plain, "long_name": f"{plain['long_name']}, {KINDS[kind]}"}
    elif (kind := _ending(name, POOLED)) and name.removesuffix(kind) in {*own, *VARIABLES}:
        plain = attributes(name.removesuffix(kind), own)
        of, words = POOLED[kind]
        return {
            "symbol": f"{of}_{plain['symbol']}",
            "long_name": f"{plain['long_name']}, {words}",
            "units": "1",
            "equation": "prior",
        }
    else:
        # The unit of a coefficient that only its part knows is not known here.
        found = Variable(name, name.replace("_", " "), "1", "prior")
    return {**asdict(found), "symbol": own.get(name, found.symbol)}


def symbol_of(name: str, symbols: Mapping[str, str] | None = None) -> str:
    """Return the symbol of a variable, for a column or a label.

    Parameters
    ----------
    name, symbols
        As for `attributes`.

    Returns
    -------
    str
    """
    return attributes(name, symbols)["symbol"]


def symbols_of(*parts: Any) -> dict[str, str]:
    """Return the symbols that some parts declare.

    Parameters
    ----------
    *parts : object
        Laws, maps, size definitions and trends; those without ``symbols``
        declare none.

    Returns
    -------
    dict of str to str
        By name of the variable.
    """
    return {name: s for part in parts for name, s in getattr(part, "symbols", {}).items()}


def describe(dataset: xr.Dataset, symbols: Mapping[str, str] | None = None) -> xr.Dataset:
    """Return a dataset whose variables say what they are in their attributes.

    Parameters
    ----------
    dataset : xarray.Dataset
        Draws by name; it is not changed.
    symbols : mapping of str to str, optional
        As for `attributes`.

    Returns
    -------
    xarray.Dataset
        With ``symbol``, ``long_name``, ``units`` and ``equation``.
    """
    described = dataset.copy(deep=False)
    for name in described.data_vars:
        described[name].attrs = {**dataset[name].attrs, **attributes(str(name), symbols)}
    return described


def _ending(name: str, endings: Mapping[str, Any]) -> str:
    """Return the ending that a name has, or nothing."""
    return next((ending for ending in endings if name.endswith(ending)), "")
