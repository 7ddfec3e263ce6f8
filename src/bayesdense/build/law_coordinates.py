"""Coordinates of the law in which its losses leave nothing narrow or oblique.

Nearly exact losses fix all coefficients of a law to a thousandth, each in step with the others.
So exponents are counted from where losses put them, in units of what they say of them; and what
else there is, from where it lies given the exponents. Units are those of the noise that the fit
left, not of the noise at hand: where scores pull a law away from its losses, that distance would be
measured in units that change. A bad guess costs time and no more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.build.law_fit import LawFit

__all__ = ["law_coordinates"]

LITTLE = 1e-9


def law_coordinates(fit: LawFit, law: Any, *, together: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return what sets the coordinates of the law's coefficients, from a fit to losses.

    Parameters
    ----------
    fit : LawFit
        The law that was fitted to the losses.
    law : LossLaw
        The law.
    together : tuple of str
        Coefficients that are sampled as the logarithm of their sum and how
        that is split, see `bayesdense.build.transforms.TotalAndSplit`; the
        others are sampled by themselves.

    Returns
    -------
    dict of str to numpy.ndarray
        With ``m`` exponents and ``n`` other coefficients, those that are
        sampled together first: ``law_information``, shape ``(loss_set, m, m)``,
        what losses say of the logarithms of exponents, as a precision, and
        ``law_pull``, shape ``(loss_set, m)``, that times where they put them. ``law_centre``, shape
        ``(loss_set, n)``, where the others are when the logarithms of exponents
        are 0, and ``law_lean``, shape ``(loss_set, n, m)``, by how much they
        move with these. ``law_turn``, lower triangular, shape ``(loss_set, n,
        n)``, takes what is left of them to the coordinates; ``law_turn_back``
        is its inverse.
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
        of_others = known[m:, m:] + np.diag(fit.spread[k][order][m:] ** -2.0)
        follows = -np.linalg.solve(of_others, known[m:, :m])
        information = known[:m, :m] + known[:m, m:] @ follows
        # From the logarithms to the total and its split, to first order.
        change = np.eye(len(others))
        if t:
            change[:t, :t] = _total_and_split(logs[m : m + t])
        variance = change @ np.linalg.inv(of_others) @ change.T
        place = _with_total_and_split(logs[m:], t)
        lean = change @ follows
        # A little of each, in case one is known a million times better than another.
        variance = (variance + variance.T) / 2 + LITTLE * np.diag(np.diag(variance))
        back = np.linalg.cholesky(variance)
        found.append(
            {
                "law_information": information,
                "law_pull": information @ logs[:m],
                "law_centre": place - lean @ logs[:m],
                "law_lean": lean,
                "law_turn": np.tril(np.linalg.inv(back)),
                "law_turn_back": back,
            }
        )
    return {name: np.stack([values[name] for values in found]) for name in found[0]}


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
