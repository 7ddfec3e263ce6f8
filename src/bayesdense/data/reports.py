"""Treat the reports that one harness collects as harnesses of their own."""

from __future__ import annotations

import pandas as pd

from bayesdense.errors import DataError, UnknownNameError

__all__ = ["split_harness"]

# What a score has whose source is not given.
UNNAMED = "unknown"


def split_harness(scores: pd.DataFrame, harness: str) -> pd.DataFrame:
    """Return scores of which those of one harness name their report.

    Parameters
    ----------
    scores : pandas.DataFrame
        A validated scores table; it stays as it is.
    harness : str
        Whose scores are split by ``source``.

    Returns
    -------
    pandas.DataFrame
        With ``harness`` as ``"<harness>: <source>"`` there.

    Raises
    ------
    UnknownNameError
        If no score is by that harness.
    DataError
        If scores of it name no source.

    Examples
    --------
    >>> scores = pd.DataFrame({"harness": ["vendor", "vendor", "lab"], "source": ["a", "b", "c"]})
    >>> split_harness(scores, "vendor")["harness"].tolist()
    ['vendor: a', 'vendor: b', 'lab']
    """
    own = scores["harness"] == harness
    if not own.any():
        raise UnknownNameError.of("harness", harness, sorted(set(scores["harness"])))
    source = scores["source"].astype(str)
    # Also of a mode, which `with_mode` writes behind the source.
    nameless = int((own & (source.str.split(", ").str[0] == UNNAMED)).sum())
    if nameless:
        raise DataError(
            f"split_harness: {nameless:,} of {int(own.sum()):,} scores of '{harness}' have no "
            "source; fill the column 'source', or leave them out with keep_scores"
        )
    split = scores["harness"].where(~own, harness + ": " + source)
    return scores.assign(harness=split.astype(scores["harness"].dtype))
