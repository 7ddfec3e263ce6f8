"""Routed experts count as a larger dense model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.parts.sizes.base import SizeDefinition, numbers, sizes
from bayesdense.priors import Prior

__all__ = ["Routed"]

CENTRE = float(np.log(2e10))


@sizes.register
class Routed(SizeDefinition):
    r"""``ln N_eff = ln N + b ln E + c ln E ln(N / 2e10)``, with ``E`` experts.

    Unified Scaling Laws for Routed Language Models (Clark et al., arXiv
    2202.01169) has ``log L = a log N + b log E + c log N log E + d``, with
    ``N`` the parameters that a token passes through. The dense model of equal
    loss has the size above, with the paper's ``b`` and ``c`` divided by ``a``
    and sizes relative to 2e10: the coefficients ``experts_exponent`` and
    ``experts_size_interaction``. Experts are read from the column
    ``n_experts`` of the models table; an empty cell, or 1, is a dense model,
    for which the factor is 1.

    Examples
    --------
    >>> design = {"experts_exponent": np.log([1.0, 8.0]), "experts_size_interaction": np.zeros(2)}
    >>> values = {"experts_exponent": 1 / 3, "experts_size_interaction": 0.0}
    >>> np.exp(Routed().log_multiplier(design, values)).round(9)
    array([1., 2.])
    """

    name: ClassVar[str] = "routed"
    label: ClassVar[str] = "active parameters, counted by the number of experts"
    symbols: ClassVar[Mapping[str, str]] = {
        "experts_exponent": "b",
        "experts_size_interaction": "c",
    }

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return ``ln N`` of the active parameters, before the factor.

        Parameters
        ----------
        models : pandas.DataFrame
            With the column ``n_active``.

        Returns
        -------
        numpy.ndarray, shape (model,)
        """
        return np.log(models["n_active"].to_numpy(dtype=float))

    def design(self, models: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return ``ln E`` and ``ln E ln(N / 2e10)`` of each model.

        Parameters
        ----------
        models : pandas.DataFrame
            With the columns ``n_active`` and ``n_experts``.

        Returns
        -------
        dict of str to numpy.ndarray, shape (model,)
            By coefficient.
        """
        experts = np.log(numbers(models, "n_experts", default=1.0, low=1.0, name=self.name))
        return {
            "experts_exponent": experts,
            "experts_size_interaction": experts * (self.log_size(models) - CENTRE),
        }

    def priors(self, design: Mapping[str, np.ndarray]) -> dict[str, Prior]:
        """Return the default priors: experts add something, and less the larger the model.

        Parameters
        ----------
        design : mapping
            What `design` returned.

        Returns
        -------
        dict of str to Prior
        """
        return {
            "experts_exponent": Prior("Normal", mu=0.3, sigma=0.3),
            "experts_size_interaction": Prior("Normal", mu=0.0, sigma=0.05),
        }

    def log_multiplier(self, design: Mapping[str, Any], coefficients: Mapping[str, Any]) -> Any:
        """Return ``b ln E + c ln E ln(N / 2e10)``.

        Parameters
        ----------
        design, coefficients
            As of `design`, and ``experts_exponent`` and ``experts_size_interaction``.

        Returns
        -------
        array_like, shape (model,)
        """
        return sum(coefficients[name] * values for name, values in design.items())
