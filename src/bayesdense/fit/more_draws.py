"""How to sample once more what is not to be trusted yet."""

from __future__ import annotations

import dataclasses
import math

from bayesdense.posterior.diagnostics import MAX_RHAT, MIN_ESS, Convergence
from bayesdense.sampler.settings import SamplingSettings

__all__ = ["MORE", "draws_needed", "more_careful", "once_more"]

MORE = 3
"""How many times as many draws a fit gets at most, once."""

# Of draws that are lacking, so much more that chance does not undo it.
MARGIN = 2.0
# Largest R-hat of chains that have met and are only short.
MIXING = 1.03
# Of what is refused, the share that is refused where steps are to be smaller.
REFUSED = 0.2


def draws_needed(draws: int, found: Convergence) -> int:
    """Return how many draws of each chain a fit needs that has too few.

    Parameters
    ----------
    draws : int
        That it had, of each chain.
    found : Convergence
        Its largest R-hat and lowest effective sample size.

    Returns
    -------
    int
        At most `MORE` times as many; so many too where the chains have not
        met, so that it cannot be told.

    Examples
    --------
    >>> draws_needed(500, Convergence(rhat=1.008, ess=320.0))
    1250
    """
    rhat, ess = found
    if not (rhat <= MIXING and ess >= MIN_ESS / MORE):
        return MORE * draws
    # How far R-hat is above 1 by chance falls as draws are added.
    lacking = max(1.0, MIN_ESS / ess, (rhat - 1.0) / (MAX_RHAT - 1.0))
    return math.ceil(draws * min(MORE, MARGIN * lacking))


def more_careful(accept: float) -> float:
    """Return the acceptance to tune the step size to after draws have diverged.

    Parameters
    ----------
    accept : float
        The one before.

    Returns
    -------
    float
        So that a fifth as much is refused.

    Examples
    --------
    >>> more_careful(0.95)
    0.99
    """
    return round(1.0 - REFUSED * (1.0 - accept), 4)


def once_more(
    settings: SamplingSettings, found: Convergence, *, smaller_steps: bool
) -> SamplingSettings:
    """Return how to sample once more.

    Parameters
    ----------
    settings : SamplingSettings
        How it was sampled, with the acceptance that was used.
    found : Convergence
        The largest R-hat and the lowest effective sample size.
    smaller_steps : bool
        Whether draws diverged, and nobody asked for an acceptance.

    Returns
    -------
    SamplingSettings
        With the draws that were lacking.
    """
    draws = settings.draws if found.good else draws_needed(settings.draws, found)
    accept = settings.target_accept
    if smaller_steps and accept is not None:
        accept = more_careful(accept)
    return dataclasses.replace(settings, draws=draws, target_accept=accept)
