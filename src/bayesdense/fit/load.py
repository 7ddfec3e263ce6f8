"""Read a saved fit of any kind."""

from __future__ import annotations

import os
from typing import Any

from bayesdense.errors import FitFileError
from bayesdense.fit.density import DensityFit
from bayesdense.fit.info import FitInfo
from bayesdense.fit.ruler import RulerFit

__all__ = ["load_fit"]

KINDS: dict[str, type[DensityFit] | type[RulerFit]] = {
    fit.kind: fit for fit in (DensityFit, RulerFit)
}


def load_fit(path: str | os.PathLike[str]) -> DensityFit | RulerFit:
    """Read a saved fit.

    Parameters
    ----------
    path : path-like
        A file that the ``save`` of a fit wrote.

    Returns
    -------
    DensityFit or RulerFit

    Raises
    ------
    FitFileError
        If the file is missing, no fit, cut short, altered or of another
        version's design.
    UnknownNameError
        If the model has a part that is not registered in this session.
    """
    from bayesdense.fit.netcdf import read_file

    stored = read_file(path)
    kind = stored.manifest.get("kind", DensityFit.kind)
    if kind not in KINDS:
        raise FitFileError(f"'{path}' holds a fit of kind '{kind}', which this version cannot read")
    info = FitInfo.from_dict(stored.manifest["info"])
    if stored.data.digest != info.data_digest:
        raise FitFileError(f"'{path}': its data are not those that the fit was made from")
    fit: Any = KINDS[kind]
    more = (
        {}
        if stored.reference_posterior is None
        else {"reference_posterior": stored.reference_posterior}
    )
    return fit(
        posterior=stored.posterior,
        sample_stats=stored.sample_stats,
        data=stored.data,
        spec=fit._spec_class.from_dict(stored.manifest["spec"]),
        info=info,
        **more,
    )
