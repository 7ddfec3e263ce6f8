"""What a size definition has to offer; each definition is one file that implements it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from bayesdense.registry import Registry

__all__ = ["SizeDefinition", "sizes"]


@runtime_checkable
class SizeDefinition(Protocol):
    """The size ``N`` of each model, by which its effective size is divided.

    Attributes
    ----------
    name : str
        Under which the definition is registered.
    label : str
        What is counted, for axes and reports.
    """

    name: ClassVar[str]
    label: ClassVar[str]

    def log_size(self, models: Any) -> np.ndarray:
        """Return ``ln N`` for every row of a table of models."""
        ...


sizes: Registry[SizeDefinition] = Registry("size definition", needs=("label", "log_size"))
