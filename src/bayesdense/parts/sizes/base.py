"""What a size definition has to offer; each definition is one file that implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.errors import ReadinessError
from bayesdense.parts.registry import Registry
from bayesdense.parts.settings import call_of
from bayesdense.priors import Prior

__all__ = ["SizeDefinition", "numbers", "sizes"]


class SizeDefinition:
    """The size ``N`` of each model, by which its effective size is divided.

    Some definitions count parameters; others multiply the count by a factor
    with coefficients of its own, ``N g(...)``, that are sampled with all else.

    Attributes
    ----------
    name : str
        Under which the definition is registered.
    label : str
        What is counted, for axes and reports.
    symbols : mapping of str to str
        How papers write the coefficients, by name, for tables and figures.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    symbols: ClassVar[Mapping[str, str]] = {}

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return ``ln N``, without a factor, for every row of a table of models.

        Parameters
        ----------
        models : pandas.DataFrame
            Rows of the models table.

        Returns
        -------
        numpy.ndarray, shape (model,)
        """
        raise NotImplementedError

    def design(self, models: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return what the factor reads of each model; nothing where there is no factor.

        Parameters
        ----------
        models : pandas.DataFrame
            Rows of the models table.

        Returns
        -------
        dict of str to numpy.ndarray, shape (model,)
            By the name of the coefficient that each goes with.

        Raises
        ------
        ReadinessError
            If a column is missing or holds what is not allowed.
        """
        return {}

    def priors(self, design: Mapping[str, np.ndarray]) -> dict[str, Prior]:
        """Return the default priors of the factor's coefficients.

        Parameters
        ----------
        design : mapping of str to numpy.ndarray
            What `design` returned.

        Returns
        -------
        dict of str to Prior
            One for each entry of the design.
        """
        return {}

    def log_multiplier(self, design: Mapping[str, Any], coefficients: Mapping[str, Any]) -> Any:
        """Return the logarithm of the factor of each model.

        Parameters
        ----------
        design : mapping of str to array or tensor, shape (model,)
            What `design` returned.
        coefficients : mapping of str to number or tensor
            The coefficients by name.

        Returns
        -------
        array_like, shape (model,)
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return the call that makes this definition."""
        return call_of(self)


def numbers(
    models: pd.DataFrame, column: str, *, default: float, low: float, name: str
) -> np.ndarray:
    """Return a numeric column of the models table that is not in the schema.

    Parameters
    ----------
    models : pandas.DataFrame
        Rows of the models table.
    column : str
        The column.
    default : float
        Value of an empty cell.
    low : float
        Smallest value that is allowed.
    name : str
        The size definition that asks, for messages.

    Returns
    -------
    numpy.ndarray, shape (model,)

    Raises
    ------
    ReadinessError
        If the column is missing, or a cell is no number from `low` up.
    """
    if column not in models:
        raise ReadinessError(
            f"models: the size definition '{name}' reads the column '{column}', which is not there."
        )
    given = models[column].replace("", np.nan)
    values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float)
    bad = (np.isnan(values) & given.notna().to_numpy()) | (values < low) | np.isinf(values)
    if bad.any():
        row = models[bad].iloc[0]
        raise ReadinessError(
            f"models, column '{column}': '{row['model']}' has {row[column]}; allowed is a number "
            f"from {low:g} up, or an empty cell for {default:g}."
        )
    return np.where(np.isnan(values), default, values)


sizes: Registry[SizeDefinition] = Registry(
    "size definition", needs=("label", "log_size", "design", "priors", "log_multiplier")
)
