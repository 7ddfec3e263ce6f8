"""Where the equations get their numbers: data of the model, or constants.

By default the measured quantities are `pymc.Data`, so that they show in the graph of the model,
and index arrays are constants. With ``replaceable`` every number is `pymc.Data`, and lengths of
dimensions are symbolic.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.priors import Prior

__all__ = [
    "FIXED",
    "Numbers",
    "PriorInModel",
    "add_priors",
    "at",
    "measured_dims",
    "prior_parameters",
]

FIXED = ("lower", "upper")
"""Parameters of priors that are never data: they decide the support of a variable."""

MEASURED = {
    "target_years": "target",
    "relative_log_size": "model",
    "cell_items": "cell",
    "cell_loss": "cell",
    "cell_tokens": "cell",
    "loss_tokens": "loss_id",
}
"""What was measured, with its dimension."""


def measured_dims(names: Container[str], coords: Mapping[str, Sized]) -> dict[str, str]:
    """Return what was measured in one dataset, with its dimension.

    Parameters
    ----------
    names : container of str
        Of the numbers of the dataset.
    coords : mapping of str to sized
        Labels of the named dimensions; those without labels do not count.

    Returns
    -------
    dict of str to str
        In the order of `MEASURED`.

    Examples
    --------
    >>> measured_dims(["cell_items", "cell_tokens"], {"cell": [0, 1, 2]})
    {'cell_items': 'cell'}
    """
    found = {n: d for n, d in MEASURED.items() if n in names and len(coords.get(d, ()))}
    if "cell_loss" not in names:
        # Without losses the ruler does not depend on tokens.
        found.pop("cell_tokens", None)
    if not len(coords.get("dated_target", ())):
        # Without a trend no date is read.
        found.pop("target_years", None)
    return found


class Numbers(Mapping[str, Any]):
    """The numbers of a design inside the PyMC model in context.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The numbers by name.
    replaceable : bool
        Whether each is data of the model, so that it can be replaced by that
        of another dataset.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], *, replaceable: bool) -> None:
        self._arrays, self._replaceable = arrays, replaceable
        self._tensors: dict[str, Any] = {}
        if replaceable:
            for name in arrays:
                self._tensors[name] = self._add(name)

    def __getitem__(self, name: str) -> Any:
        """Return the tensor of a name; a constant is made when it is first asked for."""
        if name not in self._tensors:
            self._tensors[name] = self._add(name)
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._arrays)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._arrays)

    def __contains__(self, name: object) -> bool:
        """Return whether there are numbers of this name."""
        return name in self._arrays

    def _add(self, name: str) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        values, coords = self._arrays[name], pm.modelcontext(None).coords
        if self._replaceable:
            along = f"{name.split('_')[0]}_id"
            measured = along in ("score_id", "loss_id") and along in coords
            return pm.Data(name, values, dims=along if measured else None)
        if dims := measured_dims(self, coords).get(name):
            return pm.Data(name, values, dims=dims)
        return pt.constant(np.asarray(values), name=name)

    def length(self, dim: str) -> Any:
        """Return the length of a named dimension; 0 where the model has none of that name.

        Parameters
        ----------
        dim : str
            Name of the dimension.

        Returns
        -------
        int or tensor
        """
        import pymc as pm

        model = pm.modelcontext(None)
        if self._replaceable:
            return model.dim_lengths.get(dim, 0)
        return len(model.coords.get(dim, ()))


@dataclass(frozen=True)
class PriorInModel:
    """A prior inside a model.

    Attributes
    ----------
    prior : Prior
        The prior.
    parameters : dict of str to tensor
        Its parameters.
    """

    prior: Prior
    parameters: dict[str, Any]

    def variable(self, name: str, dims: str | tuple[str, ...] | None = None) -> Any:
        """Add the variable to the model in context.

        Parameters
        ----------
        name : str
            Of the variable.
        dims : str or tuple of str, optional
            Named dimensions.

        Returns
        -------
        tensor
        """
        return self.prior.variable(name, self.parameters, dims=dims)


def add_priors(priors: Mapping[str, Prior], *, replaceable: bool) -> dict[str, PriorInModel]:
    """Add priors to the PyMC model in context.

    Parameters
    ----------
    priors : mapping of str to Prior
        All priors of the model.
    replaceable : bool
        Whether their numbers are data of the model. Single numbers are in one
        array, ``prior_numbers``.

    Returns
    -------
    dict of str to PriorInModel
    """
    import pymc as pm

    if not replaceable:
        return {name: PriorInModel(p, p.arrays()) for name, p in priors.items()}
    single, arrays = _scalars_and_arrays(priors)
    tensors = {"prior_numbers": pm.Data("prior_numbers", np.array(list(single.values())))}
    tensors |= {name: pm.Data(name, values) for name, values in arrays.items()}
    found = prior_parameters(priors, tensors)
    return {name: PriorInModel(prior, found[name]) for name, prior in priors.items()}


def prior_parameters(
    priors: Mapping[str, Prior], data: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the parameters of priors, read from the data of a model.

    Parameters
    ----------
    priors : mapping of str to Prior
        All priors of the model.
    data : mapping of str to tensor
        With what `add_priors` made.

    Returns
    -------
    dict of str to dict of str to tensor
        By variable and parameter.
    """
    single, arrays = _scalars_and_arrays(priors)
    numbers = data["prior_numbers"]
    tensors = {key: numbers[i] for i, key in enumerate(single)}
    found: dict[str, dict[str, Any]] = {}
    for name, prior in priors.items():
        found[name] = {}
        for parameter, value in prior.parameters.items():
            own: Any = np.asarray(value)
            if f"prior_{name}_{parameter}" in arrays:
                own = data[f"prior_{name}_{parameter}"]
            found[name][parameter] = tensors.get((name, parameter), own)
    return found


def _scalars_and_arrays(
    priors: Mapping[str, Prior],
) -> tuple[dict[tuple[str, str], float], dict[str, np.ndarray]]:
    """Return the single numbers and the arrays of priors, without those that are never data."""
    single: dict[tuple[str, str], float] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, prior in priors.items():
        for parameter, value in prior.arrays().items():
            if parameter in FIXED:
                continue
            if value.ndim:
                arrays[f"prior_{name}_{parameter}"] = value
            else:
                single[name, parameter] = float(value)
    return single, arrays


def at(values: Any, *index: Any) -> Any:
    """Return entries along the last axes, of one value or of many draws.

    Parameters
    ----------
    values : number, array or tensor
        Its last axes are indexed; draws may come before them.
    *index : array or tensor of int
        One for each of those axes.

    Returns
    -------
    array_like
        A single number as it is.

    Examples
    --------
    >>> at(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1, 0]))
    array([[2., 2., 1.],
           [4., 4., 3.]])
    """
    ndim = getattr(values, "ndim", 0)
    if ndim == 0:
        return values
    if ndim > len(index):
        return values[(..., *index)]
    return values[index if len(index) > 1 else index[0]]
