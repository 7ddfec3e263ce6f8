"""Compile a model by `nutpie.compile_pymc_model`, for its own data: the fallback.

The data are constants of the code, so it serves this one dataset, and coordinates stay as the data
gave them: pilots would want other code each. Of nutpie it uses nothing that is not documented but
two fields of its compiled models, for initial points and for labels.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.sampler.backend.packed_data import Places, in_order, lengths_of

__all__ = ["FrozenData", "StaticModel", "compile_static"]


@dataclass(frozen=True)
class FrozenData:
    """The data of a model as constants of its code.

    Attributes
    ----------
    digest : str
        SHA-256 of the data and of the lengths of dimensions: equal ones share
        code.
    variables : tuple of (str, tuple of str)
        Names and dimensions of the free variables, in the order in which the
        sampler has them.
    """

    digest: str
    variables: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, model: Any) -> FrozenData:
        """Return what distinguishes the data of a model.

        Parameters
        ----------
        model : pymc.Model
            The model.

        Returns
        -------
        FrozenData
        """
        digest = hashlib.sha256(repr(sorted(lengths_of(model).items())).encode())
        for data in sorted(model.data_vars, key=lambda data: str(data.name)):
            values = np.ascontiguousarray(data.get_value(borrow=True))
            digest.update(f"{data.name}/{values.dtype}/{values.shape}/".encode())
            digest.update(values.tobytes())
        named = model.named_vars_to_dims
        variables = tuple((str(v.name), tuple(named.get(v.name, ()))) for v in in_order(model))
        return cls(digest.hexdigest(), variables)

    def values(
        self, data: Mapping[str, np.ndarray], lengths: Mapping[str, int]
    ) -> dict[str, np.ndarray]:
        """Return nothing: the code has the data.

        Parameters
        ----------
        data, lengths
            As for `PackedData.values`.

        Returns
        -------
        dict of str to numpy.ndarray
        """
        return {}

    def apply(self, model: Any) -> tuple[Any, Places]:
        """Return the same model with its data and dimensions as constants.

        Parameters
        ----------
        model : pymc.Model
            The model that `of` was given.

        Returns
        -------
        model : pymc.Model
            Its free variables are in the order of the sampler.
        places : Places
            Of nothing: there is no packed array.
        """
        from pymc.model.transform.optimization import freeze_dims_and_data

        frozen = freeze_dims_and_data(model)
        frozen.free_RVs.sort(key=lambda variable: str(variable.name))
        return frozen, Places({}, None)


@dataclass(frozen=True)
class StaticModel:
    """Compiled code for one dataset.

    Attributes
    ----------
    code : nutpie.compile_pymc.CompiledPyMCModel
        What nutpie compiled.
    """

    code: Any

    def sized(self, data: Mapping[str, np.ndarray], coords: Mapping[str, Any], start: Any) -> Any:
        """Return what nutpie samples, with other labels and initial points.

        Parameters
        ----------
        data : mapping of str to numpy.ndarray
            Empty.
        coords : mapping of str to sequence
            Labels of all dimensions.
        start : callable
            From a seed to an initial point.

        Returns
        -------
        nutpie.compile_pymc.CompiledPyMCModel
        """
        own = {name: pd.Index(labels) for name, labels in coords.items()}
        labels = {**(self.code.coords or {}), **own}
        return dataclasses.replace(self.code, initial_point_func=start, _coords=labels)


def compile_static(model: Any, hidden: Container[str] = ()) -> StaticModel:
    """Compile a model by nutpie's own function.

    Parameters
    ----------
    model : pymc.Model
        What `FrozenData.apply` returned.
    hidden : container of str
        Variables that are not kept of a draw.

    Returns
    -------
    StaticModel
    """
    import nutpie

    kept = [v.name for v in model.unobserved_value_vars if v.name not in hidden]
    return StaticModel(nutpie.compile_pymc_model(model, var_names=kept))
