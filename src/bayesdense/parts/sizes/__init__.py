"""Size definitions: what counts as the number of parameters.

A definition of one's own is a subclass of `SizeDefinition`, registered with
`register`.
"""

from bayesdense.parts.sizes.active import Active
from bayesdense.parts.sizes.base import SizeDefinition, sizes
from bayesdense.parts.sizes.blend import Blend
from bayesdense.parts.sizes.geometric_mean import GeometricMean
from bayesdense.parts.sizes.precision import Precision
from bayesdense.parts.sizes.representation import Representation
from bayesdense.parts.sizes.routed import Routed
from bayesdense.parts.sizes.total import Total

register = sizes.register

__all__ = [
    "Active",
    "Blend",
    "GeometricMean",
    "Precision",
    "Representation",
    "Routed",
    "SizeDefinition",
    "Total",
    "register",
    "sizes",
]
