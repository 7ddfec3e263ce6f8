"""What a user holds: models that are composed, inspected and fitted."""

from bayesdense.models.density import DensityModel
from bayesdense.models.reference import ReferenceModel

__all__ = ["DensityModel", "ReferenceModel"]
