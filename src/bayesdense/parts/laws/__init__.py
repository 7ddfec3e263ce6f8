"""Loss laws: the reference loss as a function of parameters and tokens.

A law of one's own is a subclass of `LossLaw`, registered with `register`.
"""

from bayesdense.parts.laws.base import LossLaw, laws
from bayesdense.parts.laws.dense_sparse import DenseSparse
from bayesdense.parts.laws.irreducible import Irreducible
from bayesdense.parts.laws.kaplan import Kaplan
from bayesdense.parts.laws.kaplan_floor import KaplanFloor
from bayesdense.parts.laws.log_linear import LogLinear
from bayesdense.parts.laws.over_training import OverTraining
from bayesdense.parts.laws.power_sum import PowerSum

register = laws.register

__all__ = [
    "DenseSparse",
    "Irreducible",
    "Kaplan",
    "KaplanFloor",
    "LogLinear",
    "LossLaw",
    "OverTraining",
    "PowerSum",
    "laws",
    "register",
]
