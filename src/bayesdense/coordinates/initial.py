"""What the sampler's coordinates are made of, and a first estimate of it from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.coordinates.cell_estimates import CellEstimates, estimate_cells, usual_maps
from bayesdense.coordinates.contrasts import (
    Contrasts,
    HarnessContrasts,
    harness_contrasts,
    harness_shares,
    line_contrasts,
)
from bayesdense.coordinates.decorrelation import (
    N_ENDS,
    Regressions,
    end_features,
    knots_of,
    noise_at_scores,
    shape_exponents,
    usual,
)
from bayesdense.coordinates.loss_law import LawCoordinates, law_coordinates
from bayesdense.coordinates.loss_law_fit import fit_law, terms_of
from bayesdense.model.design import Design
from bayesdense.model.zero_sum import contrasts
from bayesdense.priors import Prior

__all__ = ["Coordinates", "coordinates_from_data"]


@dataclass(frozen=True)
class Coordinates:
    """Everything that the sampler's coordinates are made of.

    It comes from the data (`coordinates_from_data`) or from a pilot's draws
    (`bayesdense.coordinates.from_pilot`). No result depends on it: a bad
    estimate costs time.

    Attributes
    ----------
    cells : CellEstimates or None
        What scores say of each cell; None where there are no scores.
    level, growth, size_slope : Contrasts
        Directions of levels, growth rates and size slopes between benchmarks.
    line_share : numpy.ndarray, shape (benchmark, 3)
        What each benchmark weighs in the three, over all benchmarks.
    harness : HarnessContrasts
        Directions of the offsets of harnesses.
    plain : dict of str to numpy.ndarray
        Directions of zero-sum effects by dimension (``reference_family``), of
        which the data know all alike.
    regressions : Regressions
        Of the coefficients of the score map on one another.
    noise_slope, noise_centre : numpy.ndarray
        Of the noise of sources on each benchmark, see `noise_at_scores`.
    knots, knot_margin : numpy.ndarray
        Three scores of each benchmark, see `knots_of`.
    harness_share : numpy.ndarray, shape (harness, benchmark)
        Share of each harness in the scores that fix a map.
    lowest_loss : numpy.ndarray, shape (benchmark,)
        Lowest measured loss, where the logit of a map is best known; 0 where
        there are scores only.
    law : LawCoordinates or None
        Where losses put the coefficients of the law; None without losses.
    """

    cells: CellEstimates | None
    level: Contrasts
    growth: Contrasts
    size_slope: Contrasts
    line_share: np.ndarray
    harness: HarnessContrasts
    plain: dict[str, np.ndarray]
    regressions: Regressions
    noise_slope: np.ndarray
    noise_centre: np.ndarray
    knots: np.ndarray
    knot_margin: np.ndarray
    harness_share: np.ndarray
    lowest_loss: np.ndarray
    law: LawCoordinates | None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all numbers by the name that they have in the sampler's model.

        Returns
        -------
        dict of str to numpy.ndarray
        """
        r = self.regressions
        found: dict[str, np.ndarray] = {}
        groups: dict[str, Mapping[str, Any]] = {
            "cell": {} if self.cells is None else vars(self.cells),
            "level": vars(self.level),
            "growth": vars(self.growth),
            "size_slope": vars(self.size_slope),
            "harness": vars(self.harness),
            "law": {} if self.law is None else vars(self.law),
            "regression": {n: v for n, v in vars(r).items() if not isinstance(v, dict)},
            "regression_of": r.exponents,
            "error_of": r.pooled_error,
            "pull_of": r.pooled_pull,
            "bend_place_of": r.bend_place,
            "bend_width_of": r.bend_width,
        }
        for group, values in groups.items():
            found |= {f"at_{group}_{name}": value for name, value in values.items()}
        found |= {f"at_{dim}_basis": basis for dim, basis in self.plain.items()}
        for name in (
            *("knots", "knot_margin", "harness_share", "lowest_loss", "line_share"),
            *("noise_slope", "noise_centre"),
        ):
            found[f"at_{name}"] = getattr(self, name)
        return found


def coordinates_from_data(
    design: Design, priors: Mapping[str, Prior], *, given: bool = False
) -> Coordinates:
    """Return a first estimate, from usual values and the data.

    Parameters
    ----------
    design : Design
        The dataset under the model.
    priors : mapping of str to Prior
        All priors of the model.
    given : bool
        Whether the ruler has values and is not sampled.

    Returns
    -------
    Coordinates
    """
    arrays, n_targets = design.arrays, design.size("target")
    maps = usual_maps(design.spec.score_map, design.chance)
    cells = None
    if design.size("cell"):
        cells = estimate_cells(
            arrays,
            design.spec.score_map,
            maps,
            n_targets=n_targets,
            n_families=design.size("family"),
        )
    count = design.size("benchmark")
    errors = np.ones((count, 3)) if cells is None else cells.line_error
    level, growth, size_slope, share = line_contrasts(errors)
    knots, margin = knots_of(arrays["score_observed"], arrays["score_benchmark"], count)
    noise_slope, noise_centre = noise_at_scores(
        arrays["score_observed"], arrays["score_benchmark"], count
    )
    regressions = usual(count, shape_exponents(design.spec.law))
    ends = end_features(knots, margin, maps.floor, maps.span)
    regressions.centre[:, :N_ENDS] = np.column_stack(ends)
    known = design.has_losses
    lowest = np.zeros(len(known))
    lowest[known] = design.lowest_loss[design.ruler[known]]
    plain = {}
    if design.size("reference_family") > 1:
        plain["reference_family"] = contrasts(design.size("reference_family"))
    law = None
    if design.loss_sets and not given:
        fit = fit_law(design, design.spec.law, priors)
        law = law_coordinates(fit, design.spec.law, together=terms_of(design.spec.law, priors))
    return Coordinates(
        cells=cells,
        level=level,
        growth=growth,
        size_slope=size_slope,
        line_share=share,
        harness=harness_contrasts(arrays, n_targets),
        plain=plain,
        regressions=regressions,
        noise_slope=noise_slope,
        noise_centre=noise_centre,
        knots=knots,
        knot_margin=margin,
        harness_share=_shares(design),
        lowest_loss=lowest,
        law=law,
    )


def _shares(design: Design) -> np.ndarray:
    """Return the share of each harness in the scores of the references that fix a map."""
    arrays = design.arrays
    cell = arrays["score_cell"]
    is_reference = arrays["cell_model"][cell] >= design.size("target")
    if not is_reference.any():
        is_reference = ~is_reference
    cell, benchmark = cell[is_reference], arrays["score_benchmark"][is_reference]
    weight = np.ones(len(cell))
    if "cell_loss" in arrays:
        lowest = np.full(design.size("benchmark"), np.inf)
        seen, loss = arrays["cell_loss_seen"][cell] > 0, arrays["cell_loss"][cell]
        # In effect the runs within a few per cent of the lowest loss.
        np.minimum.at(lowest, benchmark[seen], loss[seen])
        weight[seen] = (lowest[benchmark[seen]] / loss[seen]) ** 30
    harness = arrays["score_harness"][is_reference]
    return harness_shares(benchmark, harness, weight, shape=arrays["harness_measured"].shape)
