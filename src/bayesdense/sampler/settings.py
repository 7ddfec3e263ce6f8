"""How to sample: what a user can set, checked once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from bayesdense.errors import BayesdenseError

__all__ = ["FEWEST_KEPT_DRAWS", "Run", "SamplingSettings", "usual_accept"]

FEWEST_KEPT_DRAWS = 10
COMPILERS = ("dynamic", "nutpie")
MOST_SEED = 2**64
USUAL_ACCEPT, USUAL_PARAMETERS, LEAST_ACCEPT, MOST_ACCEPT = 0.95, 1000, 0.65, 0.97


def usual_accept(n_parameters: int) -> float:
    """Return the acceptance that the step size is tuned to where the user asks for none.

    With a step ``e``, the energy of ``n`` independent Normal variables is off by about
    ``e^2 n^(1/2) / 4`` at the end of a trajectory, and a fraction ``2 Phi(-e^2 n^(1/2) / 8)`` is
    accepted. So at the same acceptance the step of ten times as many variables is shorter by 1.8,
    and every draw dearer by that; with fewer of them it is longer, and chains diverge where the
    density is narrowest, which does not depend on their number. So the acceptance is what leaves
    the step as it is with `USUAL_PARAMETERS` at `USUAL_ACCEPT`. It is never less than
    `LEAST_ACCEPT`, the best for very many (Beskos et al., Bernoulli 19, 2013), and never more
    than `MOST_ACCEPT`.

    Parameters
    ----------
    n_parameters : int
        Each entry counted.

    Returns
    -------
    float
    """
    growth = np.sqrt(n_parameters / USUAL_PARAMETERS)
    kept = 2.0 * ndtr(growth * ndtri(USUAL_ACCEPT / 2.0))
    return float(np.clip(kept, LEAST_ACCEPT, MOST_ACCEPT))


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How to sample.

    Parameters
    ----------
    draws, tune : int
        Draws kept and warm-up draws of each chain. From 500 on the warm-up is
        split into pilots that find coordinates, and ends early, after five
        eighths, where they agree.
    chains : int
        Number of chains.
    cores : int, optional
        Chains that run at the same time; by default as many as there are
        processors, at most `chains`.
    random_seed : int, optional
        Source of randomness; drawn, and recorded, where none is given.
    target_accept : float, optional
        Acceptance that the step size is tuned to, between 0.5 and 1; by
        default what `usual_accept` says of the number of parameters.
    compiler : {"dynamic", "nutpie"}
        ``"dynamic"``: code that serves data of any size, by functions of
        nutpie, PyTensor and Numba that they do not document. ``"nutpie"``: by
        `nutpie.compile_pymc_model`, anew for every dataset and without pilots;
        for the case that a new version of these packages breaks the other one.
        The posterior is the same, and mixes more slowly.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    cores: int | None = None
    random_seed: int | None = None
    target_accept: float | None = None
    compiler: str = "dynamic"

    def __post_init__(self) -> None:
        """Check every setting."""
        least = {"draws": FEWEST_KEPT_DRAWS, "tune": 50, "chains": 1, "cores": 1, "random_seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is None and name in ("cores", "random_seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise BayesdenseError(f"{name} must be a whole number from {low}, not {value!r}")
        if self.random_seed is not None and self.random_seed >= MOST_SEED:
            raise BayesdenseError(f"random_seed must be below 2**64, not {self.random_seed!r}")
        accept: Any = self.target_accept
        if accept is not None and not (isinstance(accept, float) and 0.5 <= accept < 1.0):
            raise BayesdenseError(f"target_accept must be from 0.5 to below 1, not {accept!r}")
        if self.compiler not in COMPILERS:
            allowed = " or ".join(map(repr, COMPILERS))
            raise BayesdenseError(f"compiler must be {allowed}, not {self.compiler!r}")
        if self.random_seed is None:
            drawn = int(np.random.SeedSequence().generate_state(1)[0])
            object.__setattr__(self, "random_seed", drawn)

    def accept(self, n_parameters: int) -> float:
        """Return the acceptance that the step size is tuned to.

        Parameters
        ----------
        n_parameters : int
            Of the model, each entry counted.

        Returns
        -------
        float
            The one that was asked for, or the usual one.
        """
        return usual_accept(n_parameters) if self.target_accept is None else self.target_accept


@dataclass(frozen=True)
class Run:
    """How to sample, and what the user is shown meanwhile.

    Attributes
    ----------
    settings : SamplingSettings
        How to sample.
    label : str
        What is being fitted, for the progress bar.
    progressbar : bool
        Whether to show a progress bar.
    """

    settings: SamplingSettings
    label: str
    progressbar: bool = True

    def replace(self, *, label: str | None = None, **settings: Any) -> Run:
        """Return this run with another label or other settings.

        Parameters
        ----------
        label : str, optional
            What is being fitted.
        **settings
            Fields of `SamplingSettings`.

        Returns
        -------
        Run
        """
        chosen = dataclasses.replace(self.settings, **settings)
        return Run(chosen, self.label if label is None else label, self.progressbar)
