"""From parts and a dataset to a plain `pymc.Model`."""

from bayesdense.build.layout import Layout, lay_out
from bayesdense.build.model import build_model, default_priors

__all__ = ["Layout", "build_model", "default_priors", "lay_out"]
