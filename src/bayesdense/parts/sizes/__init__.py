"""Size definitions: what counts as the number of parameters."""

from bayesdense.parts.sizes.active import Active
from bayesdense.parts.sizes.base import SizeDefinition, sizes
from bayesdense.parts.sizes.total import Total

__all__ = ["Active", "SizeDefinition", "Total", "sizes"]
