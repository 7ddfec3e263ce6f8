"""Whether fits that differ in their trend read scores off the same ruler."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.posterior.draws import Draws

__all__ = ["APART", "ruler_agreement"]

APART = 1.0
"""Difference of two posterior medians, in posterior standard deviations, that is worth a look."""


def ruler_agreement(fits: Mapping[str, DensityFit]) -> pd.DataFrame:
    """Return by how much fits of the same data differ in the exponents of their rulers.

    A trend that does not suit the targets can bend the ruler, since their scores
    inform it. Then exponents differ between trends, and so do effective sizes.

    Parameters
    ----------
    fits : mapping of str to DensityFit
        At least two, of the same benchmarks and the same law; the others are
        held against the first.

    Returns
    -------
    pandas.DataFrame
        One row a benchmark, exponent and fit but the first: ``parameter``,
        ``benchmark``, ``first``, ``other`` (names of fits), ``median_first``,
        ``median_other``, ``apart`` (difference of the logarithms in standard
        deviations, the smaller of the two), and ``differs``: whether that is
        above 1. No rows where the law has no exponent.

    Raises
    ------
    BayesdenseError
        If there are fewer than two fits, or they have other rulers.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fits = {t: bd.load_fit(f"out/{t}.nc") for t in ("linear", "frontier")}  # doctest: +SKIP
    >>> bd.studies.ruler_agreement(fits)  # doctest: +SKIP
    """
    if len(fits) < 2:
        raise BayesdenseError(f"ruler_agreement compares at least two fits, not {len(fits)}")
    (first, own), *others = fits.items()
    names = [name for name in own.spec.law.exponents if name in own.posterior]
    rows = []
    for name in names:
        mine = Draws(own.posterior)[name]
        for other, fit in others:
            theirs = Draws(fit.posterior)[name] if name in fit.posterior else np.empty((0,))
            labels = _labels(own, name)
            if theirs.shape[1:] != mine.shape[1:] or labels != _labels(fit, name):
                raise BayesdenseError(
                    f"the fits '{first}' and '{other}' have other rulers: ruler_agreement needs "
                    "the same law and the same benchmarks"
                )
            logs = [np.log(draws.reshape(len(draws), -1)) for draws in (mine, theirs)]
            middle = [np.median(log, axis=0) for log in logs]
            scale = np.minimum(*(log.std(axis=0) for log in logs))
            apart = np.abs(middle[0] - middle[1]) / scale
            rows += [
                {
                    "parameter": name,
                    "benchmark": label,
                    "first": first,
                    "other": other,
                    "median_first": float(np.exp(middle[0][i])),
                    "median_other": float(np.exp(middle[1][i])),
                    "apart": float(apart[i]),
                    "differs": bool(apart[i] > APART),
                }
                for i, label in enumerate(labels)
            ]
    columns = ["parameter", "benchmark", "first", "other", "median_first", "median_other"]
    return pd.DataFrame(rows, columns=[*columns, "apart", "differs"])


def _labels(fit: DensityFit, name: str) -> list[str]:
    """Return what the values of a coefficient belong to: benchmarks, or sets of losses."""
    if name not in fit.posterior:
        return []
    dims = [dim for dim in fit.posterior[name].dims if dim not in ("chain", "draw")]
    if not dims:
        return ["all benchmarks"]
    return [str(label) for label in fit.posterior[name][dims[0]].values]
