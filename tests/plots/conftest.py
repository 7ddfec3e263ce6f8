from __future__ import annotations

import pytest

from bayesdense.fit import DensityFit
from tests.fake import fake_fit


@pytest.fixture(scope="session")
def linear() -> DensityFit:
    return fake_fit("linear")


@pytest.fixture(scope="session")
def frontier() -> DensityFit:
    return fake_fit("frontier")
