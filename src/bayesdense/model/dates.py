"""When targets were released: uncertain dates, and growth within families (eq. 5).

With ``date_sd`` above 0 a date is ``t = t_reported + date_error``, ``date_error ~ Normal(0,
date_sd / 12)`` in years, the same for models of one family and day.

With ``within_families=True`` the log density of a target has the term ``A_w (t - mean t of its
family)``: the growth rate ``A`` of the trend is then that between families, and ``A + A_w`` that
within them (Mundlak, 1978). Without it ``A`` is a weighted mean of the two, and biased where
effects of families go with their dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.model.design import Design
from bayesdense.model.numbers import Numbers, PriorInModel, at
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["add_dates", "date_priors", "within_families", "years_of"]


def date_priors(design: Design) -> dict[str, Prior]:
    """Return the default prior of growth within families.

    Parameters
    ----------
    design : Design
        Decides whether it differs from that between them.

    Returns
    -------
    dict of str to Prior
    """
    if "family_years" not in design.arrays:
        return {}
    return {"within_family_growth": Prior("Normal", mu=0.0, sigma=3.0)}


def add_dates(numbers: Numbers, priors: Mapping[str, PriorInModel]) -> Any:
    """Add what is not known of dates, and of growth within families, to the model in context.

    Parameters
    ----------
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        All priors of the model.

    Returns
    -------
    tensor, shape (target,)
        ``t - t0``; 0 for targets without a date.
    """
    import pymc as pm

    if "within_family_growth" in priors:
        priors["within_family_growth"].variable("within_family_growth")
    if "date_sd" in numbers:
        pm.Normal("date_error", 0.0, numbers["date_sd"], dims="release")
    return years_of(pm.modelcontext(None).named_vars, numbers)


def years_of(values: Any, numbers: Any) -> Any:
    """Return the dates of the targets.

    Parameters
    ----------
    values : mapping of str to array_like
        With ``date_error`` where dates are uncertain; draws come first.
    numbers : mapping of str to array_like
        With the reported dates, ``target_years``.

    Returns
    -------
    array_like, shape (..., target)
        ``t - t0``; 0 for targets without a date. Without ``date_error`` there
        is no axis of draws.
    """
    years = numbers["target_years"]
    if "date_error" not in values:
        return years
    error = at(values["date_error"], numbers["release_code"])
    undated = years[error.shape[-1] :]
    xp = namespace(error)
    if error.ndim > 1:
        undated = np.broadcast_to(undated, (*error.shape[:-1], len(undated)))
    return xp.concatenate([years[: error.shape[-1]] + error, undated], axis=-1)


def within_families(values: Any, numbers: Any) -> Any:
    """Return what growth within families adds to that between them.

    Parameters
    ----------
    values : mapping of str to array_like
        With ``within_family_growth`` where the model has it, and ``date_error``
        where dates are uncertain.
    numbers : mapping of str to array_like
        With ``family_years``, by how much later than its family on average a
        target was released.

    Returns
    -------
    array_like, shape (..., dated_target)
        0 where the model has no such term.
    """
    if "within_family_growth" not in values:
        return 0.0
    within = numbers["family_years"]
    if "date_error" in values:
        error = at(values["date_error"], numbers["release_code"])
        within = within + error - error @ numbers["family_mean"]
    return values["within_family_growth"] * within
