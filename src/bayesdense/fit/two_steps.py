"""Fits of which the draws are not of one joint posterior."""

from __future__ import annotations

from typing import Any

from bayesdense.errors import BayesdenseError

__all__ = ["refuse_two_steps"]


def refuse_two_steps(fit: Any, what: str) -> None:
    """Refuse a fit of which the draws are not of one joint posterior.

    Where ruler and models were drawn one after the other, what is left out of the second step
    must not weigh the first, and the weights of a joint posterior would.

    Parameters
    ----------
    fit : Fit
        The fit.
    what : str
        What cannot be done with it.

    Raises
    ------
    BayesdenseError
        If what all models share was sampled from a part of them, or the ruler
        from references only.
    """
    if fit.approximation:
        raise BayesdenseError(
            f"{what} weighs draws of the whole posterior, and this fit is approximate "
            f"({fit.approximation}): fit without shared_from"
        )
    if fit.info.cut:
        raise BayesdenseError(
            f"{what} weighs draws of a joint posterior, and this fit has ruler='cut': "
            "fit with ruler='joint', or fit again without it (bayesdense.studies.sensitivity)"
        )
