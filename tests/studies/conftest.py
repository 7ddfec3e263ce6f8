"""The fits of the model tests, which each worker makes once."""

from tests.model.conftest import plain_fit  # noqa: F401
