"""Processes stay as long as their study, and with them what they have compiled."""

from __future__ import annotations

import os
import time

import joblib
import numpy as np
import pytest

from bayesdense.studies import executors

_held = []


def _grow(_):
    """Take 350 MB for good, as compiled code does, and say in which process."""
    executors._keep_this_process()
    _held.append(np.ones(350 * 2**17))
    # joblib looks once a second.
    time.sleep(1.2)
    return os.getpid()


def test_a_process_that_grows_stays():
    pytest.importorskip("psutil")
    done = joblib.Parallel(n_jobs=2, batch_size=1, timeout=60)(
        joblib.delayed(_grow)(i) for i in range(6)
    )
    assert len(set(done)) == 2
