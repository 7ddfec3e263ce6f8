"""Between all parameters and the active ones, with a weight that is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.parts.sizes.base import SizeDefinition, sizes
from bayesdense.priors import Prior

__all__ = ["Blend"]


@sizes.register
class Blend(SizeDefinition):
    """``ln N = (1 - omega) ln N_total + omega ln N_active``, ``omega`` between 0 and 1.

    With ``omega = 0`` all parameters count, with 1 the active ones, and with 1/2
    their geometric mean. For dense models all agree, so that only mixture
    models tell of ``omega``, the coefficient ``active_weight``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"n_params": [4e9, 7e9], "n_active": [1e9, 7e9]})
    >>> size = Blend()
    >>> factor = size.log_multiplier(size.design(table), {"active_weight": 0.5})
    >>> np.exp(size.log_size(table) + factor).round(-6)
    array([2.e+09, 7.e+09])
    """

    name: ClassVar[str] = "blend"
    label: ClassVar[str] = "total and active parameters, weighted"
    symbols: ClassVar[Mapping[str, str]] = {"active_weight": "omega"}

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return the log of all parameters of each model, before the factor.

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
        """Return ``ln(N_active / N_total)`` of each model.

        Parameters
        ----------
        models : pandas.DataFrame
            With the columns ``n_params`` and ``n_active``.

        Returns
        -------
        dict of str to numpy.ndarray, shape (model,)
            Under ``active_weight``.
        """
        active = np.log(models["n_active"].to_numpy(dtype=float))
        return {"active_weight": active - self.log_size(models)}

    def priors(self, design: Mapping[str, np.ndarray]) -> dict[str, Prior]:
        """Return the default prior of the weight, which favours neither end.

        Parameters
        ----------
        design : mapping
            What `design` returned.

        Returns
        -------
        dict of str to Prior
        """
        return {"active_weight": Prior("Beta", alpha=1.5, beta=1.5)}

    def log_multiplier(self, design: Mapping[str, Any], coefficients: Mapping[str, Any]) -> Any:
        """Return ``omega ln(N_active / N_total)``.

        Parameters
        ----------
        design, coefficients
            As of `design`, and ``active_weight``.

        Returns
        -------
        array_like, shape (model,)
        """
        return coefficients["active_weight"] * design["active_weight"]
