"""What a user holds: models that are composed, inspected and fitted."""

from bayesdense.models.density import DensityModel
from bayesdense.models.ruler import RulerModel

__all__ = ["DensityModel", "RulerModel"]
