"""Sample what models of one developer and of one family share, given what their scores say."""

from __future__ import annotations

from typing import Any

from bayesdense.coordinates.score_inversion import LITTLE, ScoreInversion, weighted_mean
from bayesdense.model.families import KINDS
from bayesdense.parts.trends.base import HALF_NORMAL_MEAN

__all__ = ["move_families"]


def move_families(
    rewriting: Any,
    seen: ScoreInversion,
    left: Any,
    expected: Any,
    *,
    sd: Any,
    lag: Any,
    factor: Any,
) -> tuple[Any, Any]:
    """Sample what models of one developer and of one family share, the wider group first.

    ``e`` as if ``f`` were not known, ``f`` given ``e`` and as if nothing were known of single
    benchmarks, then ``e2`` and ``f2`` alike. By the scales at hand: with units from the scales
    of a pilot, squares of these effects went with ``model_effect_sd``.

    Parameters
    ----------
    rewriting : object
        The rewrite of the model, see `bayesdense.coordinates.reparametrise`.
    seen : ScoreInversion
        What scores say on the ruler at hand.
    left : tensor, shape (target, benchmark)
        What differs between benchmarks, as far as it is known.
    expected : tensor, shape (target,)
        Log density, as far as it is known.
    sd, lag : tensor
        Of single models, as the trend has them.
    factor : tensor
        By what the trend multiplies these effects, for targets on the line.

    Returns
    -------
    expected, left : tensor
        With the effects.
    """
    import pytensor.tensor as pt

    v = rewriting.v
    n_on_line, n_targets, count = (
        v.length(d) for d in (rewriting.design.on_line, "target", "benchmark")
    )
    lag_variance = 0.0 if lag is None else (1.0 - HALF_NORMAL_MEAN**2) * lag**2
    scatter_on_line = (sd**2 + lag_variance) * pt.ones(n_on_line)
    typical = scatter_on_line.mean()
    scatter = pt.concatenate([scatter_on_line, pt.full((n_targets - n_on_line,), 1.0 / LITTLE)])
    kinds = [kind for kind in reversed(KINDS) if f"{kind}_effect" in v]
    for kind in kinds:
        if kind == "developer":
            # Families tell little of it, so that 0 is among what is likely.
            rewriting.from_zero(f"{kind}_effect_sd")
        else:
            rewriting.move(f"{kind}_effect_sd", seen.stretch)
        if f"{kind}_benchmark_effect" in v:
            rewriting.move(f"{kind}_benchmark_effect_sd", seen.stretch)
            # Models of a family share its deviation on a benchmark: more say no more of it.
            of_pairs = v[f"{kind}_benchmark_effect_sd"] ** 2
            scatter = scatter + v["at_cell_target_alike"] * of_pairs
    cells = seen.residual(left + expected[:, None])
    mean, known = seen.by_target(cells, n_targets)
    factor = pt.concatenate([factor * pt.ones(n_on_line), pt.ones(n_targets - n_on_line)])
    n_families, family = v.length("family"), v["at_cell_family"]
    weight = factor**2 * known / (1.0 + known * scatter)
    mean, information = weighted_mean(mean / factor, weight, v["family_code"], n_families)
    nested = "developer" in kinds
    developer: Any = v["developer_of_family"] if nested else None
    if nested:
        weight = information / (1.0 + information * v["family_effect_sd"] ** 2)
        above = weighted_mean(mean, weight, developer, v.length("developer"))
        rewriting.effects("developer_effect", v["developer_effect_sd"], above[1], above[0])
        mean = mean - v["developer_effect"][developer]
        cells = cells - (factor[seen.target] * v["developer_effect"][developer[family]])
    rewriting.effects("family_effect", v["family_effect_sd"], information, mean)
    if "family_benchmark_effect" not in v:
        return _with_effects(v, expected, left, factor)
    pair = family * count + v["cell_benchmark"]
    cells = cells - factor[seen.target] * v["family_effect"][family]
    mean, known = weighted_mean(cells, seen.weights, pair, n_families * count)
    information = known / (1.0 + known * typical * v["at_cell_pair_share"])
    pair_sd = v["family_benchmark_effect_sd"]
    mean, information = (x.reshape((n_families, count)) for x in (mean, information))
    if nested:
        weight = information / (1.0 + information * pair_sd**2)
        total = _by_group(weight, developer, v.length("developer")) + LITTLE
        above_mean = _by_group(weight * mean, developer, v.length("developer")) / total
        name = "developer_benchmark_effect"
        rewriting.effects(name, v[f"{name}_sd"], total, above_mean)
        mean = mean - v[name][developer]
    rewriting.effects("family_benchmark_effect", pair_sd, information, mean)
    return _with_effects(v, expected, left, factor)


def _with_effects(v: Any, expected: Any, left: Any, factor: Any) -> tuple[Any, Any]:
    """Return what is known of targets with the effects of their families and developers."""
    for kind in KINDS:
        if f"{kind}_effect" in v:
            expected = expected + factor * v[f"{kind}_effect"][v[f"{kind}_code"]]
        if f"{kind}_benchmark_effect" in v:
            left = left + v[f"{kind}_benchmark_effect"][v[f"{kind}_code"]]
    return expected, left


def _by_group(values: Any, group: Any, count: Any) -> Any:
    """Return the sums of rows by group."""
    import pytensor.tensor as pt

    return pt.inc_subtensor(pt.zeros((count, values.shape[1]))[group], values)
