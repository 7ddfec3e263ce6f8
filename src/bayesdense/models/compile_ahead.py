"""Compile a model before it is needed: ``python -m bayesdense.models.compile_ahead``."""

from __future__ import annotations

import pickle
import sys
from typing import Any

from bayesdense.data import Dataset
from bayesdense.model import Design
from bayesdense.models.base import Model, sampler_model, structure_of
from bayesdense.models.reference_posterior import reference_design
from bayesdense.sampler.backend.ahead import compile_in_another_process
from bayesdense.sampler.backend.compile_cache import compiled_for
from bayesdense.sampler.progress import Progress

__all__ = ["compile_ahead", "compile_now", "warm"]


def compile_ahead(
    model: Model[Any], data: Dataset, design: Design, compiler: str = "dynamic"
) -> bool:
    """Have another process compile a model, unless its code is on the disk.

    Parameters
    ----------
    model : Model
        The model.
    data : Dataset
        What it will be fitted to.
    design : Design
        That dataset under the model.
    compiler : {"dynamic", "nutpie"}
        As for `bayesdense.DensityModel.fit`; code of the second is of no use to
        another process.

    Returns
    -------
    bool
        Whether a process was started.
    """
    # Given a ruler it is another model.
    if compiler != "dynamic" or model.spec.ruler == "cut":
        return False
    try:
        given = pickle.dumps((model, data))
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return compile_in_another_process(structure_of(design), __name__, given)


def compile_now(model: Model[Any], data: Dataset) -> None:
    """Compile a model in this process, unless its code is on the disk.

    Parameters
    ----------
    model, data
        As for `compile_ahead`.
    """
    design = model.make_design(data)
    _compile(design, structure_of(design), Progress(False, ""))


def warm(model: Model[Any], data: Dataset, *, progressbar: bool = True) -> None:
    """Compile everything that the fit of a density model needs, at the same time.

    Parameters
    ----------
    model : DensityModel
        The model.
    data : Dataset
        Of the kind that it will be fitted to.
    progressbar : bool
        Whether to show how it goes on.
    """
    design = model.make_design(data)
    compile_ahead(model, data, design)
    with Progress(progressbar, data.name) as shown:
        if model.spec.ruler != "skill":
            _compile(*reference_design(data, model.spec), shown)
        _compile(design, structure_of(design), shown)


def _compile(design: Design, structure: Any, shown: Progress) -> None:
    compiled_for(sampler_model(design)[0], structure, shown)


if __name__ == "__main__":
    compile_now(*pickle.load(sys.stdin.buffer))
