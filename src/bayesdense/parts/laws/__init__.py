"""Loss laws: the reference loss as a function of parameters and tokens."""

from bayesdense.parts.laws.base import LossLaw, laws
from bayesdense.parts.laws.power_sum import PowerSum

__all__ = ["LossLaw", "PowerSum", "laws"]
