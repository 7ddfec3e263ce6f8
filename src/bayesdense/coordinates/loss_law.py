"""Coordinates of the law in which its losses leave nothing narrow or oblique.

Nearly exact losses fix all coefficients of a law to a thousandth, each in step with the others.
So exponents are standardised by the fit to the losses, and the other coefficients are residuals
from their regression on the exponents. The scale is that of the noise that the fit left, not of the
current noise: where scores pull a law away from its losses, that scale would change along the way.
A bad estimate costs time and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.coordinates.loss_law_fit import LawFit

__all__ = ["LawCoordinates", "law_coordinates"]

LITTLE = 1e-9


@dataclass(frozen=True)
class LawCoordinates:
    """Where losses put the coefficients of the law, and how well.

    There are ``m`` exponents and ``n`` other coefficients; of these the terms
    that are sampled together (`bayesdense.coordinates.transforms.TotalAndSplit`)
    come first, as the logarithm of their sum and how it is split.

    Attributes
    ----------
    information : numpy.ndarray, shape (loss_set, m, m)
        What losses say of the logarithms of exponents, as a precision.
    pull : numpy.ndarray, shape (loss_set, m)
        That times where they put them.
    centre : numpy.ndarray, shape (loss_set, n)
        Where the others are when the logarithms of exponents are 0.
    slope : numpy.ndarray, shape (loss_set, n, m)
        By how much they move with these.
    turn, turn_back : numpy.ndarray, shape (loss_set, n, n)
        Lower triangular: from what is left of them to the coordinates, and back.
    coefficients : numpy.ndarray, shape (loss_set, coefficient)
        The coefficients that were fitted, in the order of the law.
    noise : numpy.ndarray, shape (loss_set,)
        Scale of the noise of the logarithm of a loss.
    """

    information: np.ndarray
    pull: np.ndarray
    centre: np.ndarray
    slope: np.ndarray
    turn: np.ndarray
    turn_back: np.ndarray
    coefficients: np.ndarray
    noise: np.ndarray


def law_coordinates(fit: LawFit, law: Any, *, together: tuple[str, ...]) -> LawCoordinates:
    """Return the coordinates of the law's coefficients, from a fit to losses.

    Parameters
    ----------
    fit : LawFit
        The law that was fitted to the losses.
    law : LossLaw
        The law.
    together : tuple of str
        Coefficients that are sampled together.

    Returns
    -------
    LawCoordinates
    """
    exponents = [name for name in law.exponents if name in fit.free]
    others = [*together, *(n for n in fit.free if n not in (*exponents, *together))]
    order = [list(fit.free).index(name) for name in (*exponents, *others)]
    m, t = len(exponents), len(together)
    found = []
    for k in range(len(fit.noise)):
        logs = fit.fitted(k)[order]
        known = fit.information[k][np.ix_(order, order)]
        # What losses say of exponents with all else integrated out, and how that follows them.
        others_information = known[m:, m:] + np.diag(fit.spread[k][order][m:] ** -2.0)
        follows = -np.linalg.solve(others_information, known[m:, :m])
        information = known[:m, :m] + known[:m, m:] @ follows
        # From the logarithms to the total and its split, to first order.
        change = np.eye(len(others))
        if t:
            change[:t, :t] = _total_and_split(logs[m : m + t])
        variance = change @ np.linalg.inv(others_information) @ change.T
        place = _with_total_and_split(logs[m:], t)
        slope = change @ follows
        # A little of each, in case one is known a million times better than another.
        variance = (variance + variance.T) / 2 + LITTLE * np.diag(np.diag(variance))
        back = np.linalg.cholesky(variance)
        found.append(
            {
                "information": information,
                "pull": information @ logs[:m],
                "centre": place - slope @ logs[:m],
                "slope": slope,
                "turn": np.tril(np.linalg.inv(back)),
                "turn_back": back,
            }
        )
    stacked = {name: np.stack([values[name] for values in found]) for name in found[0]}
    values = np.column_stack([fit.coefficients[name] for name in law.coefficients])
    return LawCoordinates(**stacked, coefficients=values, noise=fit.noise)


def _with_total_and_split(logs: np.ndarray, count: int) -> np.ndarray:
    """Return the logarithms, the first of them as their total and split."""
    if not count:
        return logs
    terms = logs[:count]
    return np.concatenate([[np.logaddexp.reduce(terms)], terms[:-1] - terms[-1], logs[count:]])


def _total_and_split(logs: np.ndarray) -> np.ndarray:
    """Return the derivatives of the total and the split in the logarithms."""
    shares = np.exp(logs - np.logaddexp.reduce(logs))
    split = np.eye(len(logs))[:-1]
    split[:, -1] = -1.0
    return np.vstack([shares, split])
