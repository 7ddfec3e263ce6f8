"""What a model reads as data: numbers of priors and lengths, so that others need no other model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.priors import Prior

__all__ = ["FIXED", "PlacedPrior", "length", "place"]

FIXED = ("lower", "upper")
"""Parameters that stay what they are: they decide how a variable is transformed."""


@dataclass(frozen=True)
class PlacedPrior:
    """A prior inside a model.

    Attributes
    ----------
    prior : Prior
        What was placed.
    symbols : dict of str to tensor
        Its parameters, as data of the model; bounds are plain numbers.
    """

    prior: Prior
    symbols: dict[str, Any]

    @property
    def distribution(self) -> str:
        """Name of the distribution."""
        return self.prior.distribution

    @property
    def support(self) -> str:
        """Where the distribution lives."""
        return self.prior.support

    def variable(self, name: str, **options: Any) -> Any:
        """Add the variable to the model in context; arguments as for `Prior.variable`."""
        return self.prior.variable(name, self.symbols, **options)


def place(priors: Mapping[str, Prior]) -> dict[str, PlacedPrior]:
    """Put the numbers of priors into the data of the PyMC model in context.

    Parameters
    ----------
    priors : mapping of str to Prior
        All priors of the model.

    Returns
    -------
    dict of str to PlacedPrior
        Single numbers are in one array, ``prior_numbers``: samplers that
        compile code for every array that they read have fewer to read.
    """
    import pymc as pm

    single: dict[tuple[str, str], float] = {}
    arrays: dict[tuple[str, str], np.ndarray] = {}
    for name, prior in priors.items():
        for parameter, value in prior.parameters.items():
            if parameter in FIXED:
                continue
            if np.ndim(value):
                arrays[name, parameter] = np.asarray(value, dtype=float)
            else:
                single[name, parameter] = float(np.asarray(value))
    numbers = pm.Data("prior_numbers", np.array(list(single.values())))
    symbols: dict[tuple[str, str], Any] = {key: numbers[i] for i, key in enumerate(single)}
    for (name, parameter), values in arrays.items():
        symbols[name, parameter] = pm.Data(f"prior_{name}_{parameter}", values)
    return {
        name: PlacedPrior(
            prior, {p: symbols.get((name, p), np.asarray(v)) for p, v in prior.parameters.items()}
        )
        for name, prior in priors.items()
    }


def length(dim: str) -> Any:
    """Return the length of a named dimension of the PyMC model in context.

    Parameters
    ----------
    dim : str
        Name of the dimension.

    Returns
    -------
    tensor, or 0
        A symbol, so that one compiled model serves datasets of any size; 0
        where the model has no such dimension.
    """
    import pymc as pm

    return pm.modelcontext(None).dim_lengths.get(dim, 0)
