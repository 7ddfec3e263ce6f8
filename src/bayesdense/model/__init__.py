"""The model as the textbook has it: one file for each part of docs/model.md."""

from bayesdense.model.build import build_model, default_priors, model_priors
from bayesdense.model.design import Design, make_design

__all__ = ["Design", "build_model", "default_priors", "make_design", "model_priors"]
