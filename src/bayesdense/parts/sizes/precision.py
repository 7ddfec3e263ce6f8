"""Fewer bits count as fewer parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.errors import ReadinessError
from bayesdense.parts.namespace import namespace
from bayesdense.parts.sizes.base import SizeDefinition, numbers, sizes
from bayesdense.priors import Prior

__all__ = ["Precision"]

KINDS = ("weights", "activations", "kv_cache")
USUAL_BITS = 16.0


@sizes.register
class Precision(SizeDefinition):
    r"""``N_eff = N prod_x (1 - exp(-P_x / gamma_x))``.

    Scaling Laws for Precision (Kumar et al., arXiv 2411.04330): with ``P_x``
    bits for ``x``, the weights, activations or key-value cache, a model counts
    as a smaller one. Bits are read from the columns ``bits_weights``,
    ``bits_activations`` and ``bits_kv_cache`` of the models table, those that
    are there; an empty cell is 16. The sensitivities ``gamma_x``, in bits, are
    the coefficients ``sensitivity_weights`` and so on, with priors: the paper's
    values are not taken over. At many bits the factor is 1.

    Examples
    --------
    >>> bits = {"sensitivity_weights": np.array([4.0, 16.0, 1e9])}
    >>> values = {"sensitivity_weights": 4.0 / np.log(2.0)}
    >>> np.exp(Precision().log_multiplier(bits, values)).round(4)
    array([0.5   , 0.9375, 1.    ])
    """

    name: ClassVar[str] = "precision"
    label: ClassVar[str] = "total parameters, counted by their precision"
    symbols: ClassVar[Mapping[str, str]] = {
        f"sensitivity_{kind}": f"gamma_{kind}" for kind in KINDS
    }

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return ``ln N`` of all parameters, before the factor.

        Parameters
        ----------
        models : pandas.DataFrame
            With the column ``n_params``.

        Returns
        -------
        numpy.ndarray, shape (model,)
        """
        return np.log(models["n_params"].to_numpy(dtype=float))

    def design(self, models: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return the bits of each kind whose column is there.

        Parameters
        ----------
        models : pandas.DataFrame
            With at least one of the columns of bits.

        Returns
        -------
        dict of str to numpy.ndarray, shape (model,)
            By coefficient.
        """
        known = [kind for kind in KINDS if f"bits_{kind}" in models]
        if not known:
            raise ReadinessError(
                f"models: the size definition '{self.name}' reads at least one of the columns "
                f"{', '.join(f'bits_{kind}' for kind in KINDS)}, and none is there."
            )
        return {
            f"sensitivity_{kind}": numbers(
                models, f"bits_{kind}", default=USUAL_BITS, low=0.5, name=self.name
            )
            for kind in known
        }

    def priors(self, design: Mapping[str, np.ndarray]) -> dict[str, Prior]:
        """Return the default priors: 2.5 bits, within a factor of two.

        Parameters
        ----------
        design : mapping
            What `design` returned.

        Returns
        -------
        dict of str to Prior
            So that 16 bits are nearly all that counts, and 3 bits cost a third.
        """
        return {name: Prior("LogNormal", mu=float(np.log(2.5)), sigma=0.7) for name in design}

    def log_multiplier(self, design: Mapping[str, Any], coefficients: Mapping[str, Any]) -> Any:
        """Return ``sum_x ln(1 - exp(-P_x / gamma_x))``.

        Parameters
        ----------
        design, coefficients
            Bits of each model, and sensitivities in bits.

        Returns
        -------
        array_like, shape (model,)
            At most 0.
        """
        xp = namespace(*design.values(), *coefficients.values())
        return sum(xp.log1p(-xp.exp(-bits / coefficients[n])) for n, bits in design.items())
