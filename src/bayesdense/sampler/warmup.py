"""How a warm-up is split into pilots, which find coordinates, and the rest.

Pilots go on until the chains of one agree: the first often starts far from where the posterior
lies, and what it found is good enough to start the second, which mostly agrees. Of a posterior
that is slow to find the third or fourth does.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from bayesdense.sampler.settings import SamplingSettings

__all__ = [
    "FEWEST",
    "SHORTEST_SPLIT",
    "Pilot",
    "after_pilots",
    "enough",
    "largest_rhat",
    "pilot_settings",
]

# A warm-up shorter than this is not split: its pilots would be too short to tune.
SHORTEST_SPLIT = 500
# Shares of the warm-up that tune a pilot and are its draws: of the first, and of those after it.
FIRST, FURTHER = (0.15, 0.05), (0.1, 0.075)
FEWEST, MOST = 2, 4
# Acceptance in the first pilot, at most. It starts far off, where trees are long, and a step that
# is larger takes a third of the gradients on the way; what it finds need not be good.
FIRST_ACCEPT = 0.8
# The share that tunes the chains that are kept.
REST = 0.25
# Largest R-hat of a pilot whose chains agree. With 75 draws of each chain mere chance takes the
# largest of a thousand to 1.25; chains that have not met have 3 to 12. A few slow entries of
# hundreds, such as cells of which scores say little, are not waited for.
AGREED, MET, WORST = 1.3, 2.0, 0.99


@dataclass(frozen=True)
class Pilot:
    """A short run that found coordinates.

    Attributes
    ----------
    tune, draws : int
        Its warm-up and its draws, of each chain.
    rhat : float
        Largest R-hat of all that was sampled.
    """

    tune: int
    draws: int
    rhat: float

    @property
    def agrees(self) -> bool:
        """Whether its chains agree; a single one does."""
        return not self.rhat > AGREED

    @property
    def met(self) -> bool:
        """Whether its chains are in one place, though they may not agree yet."""
        return not self.rhat > MET


def pilot_settings(settings: SamplingSettings, accept: float) -> list[SamplingSettings]:
    """Return the settings of all pilots that there may be, in their order.

    Parameters
    ----------
    settings : SamplingSettings
        Of the whole fit.
    accept : float
        Acceptance that its step size is tuned to.

    Returns
    -------
    list of SamplingSettings
    """
    seeds = np.random.SeedSequence(settings.random_seed).generate_state(MOST)
    return [
        dataclasses.replace(
            settings,
            tune=round(settings.tune * tune),
            draws=round(settings.tune * draws),
            random_seed=int(seed),
            target_accept=accept if number else min(accept, FIRST_ACCEPT),
        )
        for number, ((tune, draws), seed) in enumerate(
            zip((FIRST, *[FURTHER] * (MOST - 1)), seeds, strict=True)
        )
    ]


def after_pilots(settings: SamplingSettings) -> SamplingSettings:
    """Return the settings of the chains that are kept.

    Parameters
    ----------
    settings : SamplingSettings
        Of the whole fit.

    Returns
    -------
    SamplingSettings
    """
    return dataclasses.replace(settings, tune=round(settings.tune * REST))


def largest_rhat(draws: xr.Dataset) -> float:
    """Return the largest split R-hat of all variables.

    Parameters
    ----------
    draws : xarray.Dataset
        With dimensions ``chain`` and ``draw``. Of a variable with hundreds of
        entries it is their 99 % quantile: a few slow ones do not count.

    Returns
    -------
    float
        NaN where there is one chain, or nothing varies.
    """
    import arviz as az

    # What does not vary has none.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = az.rhat(draws, method="split")
    largest = float("nan")
    for variable in found.data_vars.values():
        values = variable.values[np.isfinite(variable.values)]
        if values.size:
            worst = np.quantile(values, WORST, method="higher")
            largest = float(np.fmax(largest, worst))
    return largest


def enough(pilots: list[Pilot], fewest: int = FEWEST) -> bool:
    """Return whether no further pilot is needed.

    Parameters
    ----------
    pilots : list of Pilot
        Those so far.
    fewest : int
        How many there are at least.

    Returns
    -------
    bool
    """
    return len(pilots) >= fewest and pilots[-1].agrees
