"""Compressed formats count as fewer parameters, each format by a capacity of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.errors import ReadinessError
from bayesdense.parts.namespace import namespace
from bayesdense.parts.sizes.base import SizeDefinition, sizes
from bayesdense.priors import Prior

__all__ = ["Representation"]


@sizes.register
class Representation(SizeDefinition):
    r"""``N_eff = N prod_R rho(R)``, with a capacity ``rho`` for each format ``R``.

    Unified Scaling Laws for Compressed Representations: a compressed format
    has a capacity between 0 and 1, and the capacities of formats used
    together multiply. The formats of a model are
    read from the column ``representation`` of the models table, joined by
    ``+`` (``int4+sparse50``); an empty cell is a model that is not compressed.
    Each format's capacity is the coefficient ``capacity_<format>``, with a
    prior.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"representation": ["int4+sparse50", "", "int4"]})
    >>> design = Representation().design(table)
    >>> both = {"capacity_int4": 0.5, "capacity_sparse50": 0.8}
    >>> np.exp(Representation().log_multiplier(design, both)).round(9)
    array([0.4, 1. , 0.5])
    """

    name: ClassVar[str] = "representation"
    label: ClassVar[str] = "total parameters, counted by their representation"

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
        """Return 1 where a model uses a format and 0 where not, by format.

        Parameters
        ----------
        models : pandas.DataFrame
            With the column ``representation``.

        Returns
        -------
        dict of str to numpy.ndarray, shape (model,)
            By coefficient.
        """
        if "representation" not in models:
            raise ReadinessError(
                f"models: the size definition '{self.name}' reads the column 'representation', "
                "which is not there."
            )
        texts = models["representation"].fillna("").astype(str)
        used = [[f.strip() for f in text.split("+") if f.strip()] for text in texts]
        known = sorted({f for formats in used for f in formats})
        if not known:
            raise ReadinessError(
                "models, column 'representation': no model names a format, so there is no "
                "capacity to find; use size='total'."
            )
        return {
            f"capacity_{name}": np.array([float(name in formats) for formats in used])
            for name in known
        }

    def priors(self, design: Mapping[str, np.ndarray]) -> dict[str, Prior]:
        """Return the default priors: somewhat below 1, and anything below not excluded.

        Parameters
        ----------
        design : mapping
            What `design` returned.

        Returns
        -------
        dict of str to Prior
        """
        return {name: Prior("Beta", alpha=3.0, beta=1.5) for name in design}

    def log_multiplier(self, design: Mapping[str, Any], coefficients: Mapping[str, Any]) -> Any:
        """Return ``sum_R ln rho(R)`` over the formats of each model.

        Parameters
        ----------
        design, coefficients
            Which formats each model uses, and their capacities.

        Returns
        -------
        array_like, shape (model,)
            At most 0.
        """
        xp = namespace(*design.values(), *coefficients.values())
        return sum(used * xp.log(coefficients[name]) for name, used in design.items())
