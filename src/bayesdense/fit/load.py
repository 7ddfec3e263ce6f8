"""Read a saved fit of any kind."""

from __future__ import annotations

import os
from importlib.resources import as_file
from typing import TYPE_CHECKING, Any

from bayesdense.errors import FitFileError
from bayesdense.fit.density import DensityFit
from bayesdense.fit.info import FitInfo
from bayesdense.fit.ruler import RulerFit
from bayesdense.fit.shipped import shipped_fit_names, shipped_fits_root
from bayesdense.fit.stored_report import StoredReport
from bayesdense.posterior.cell_effects import with_cell_effects

if TYPE_CHECKING:
    from bayesdense.fit.netcdf import Stored

__all__ = ["load_fit"]

KINDS: dict[str, type[DensityFit] | type[RulerFit]] = {
    fit.kind: fit for fit in (DensityFit, RulerFit)
}


def load_fit(path: str | os.PathLike[str]) -> DensityFit | RulerFit:
    """Read a saved fit, or one that comes with the package.

    Parameters
    ----------
    path : str or path-like
        A file that the ``save`` of a fit wrote; or ``"densing5"``, the fit of that
        dataset that comes with the package: what ``bayesdense fit densing5``
        fits, with 1,000 of its draws. A file of that name is ``"./densing5"``.

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

    Examples
    --------
    >>> load_fit("densing5").info.shipped_with
    'bayesdense 0.1.0'
    """
    from bayesdense.fit.netcdf import read_file

    if isinstance(path, str) and path in shipped_fit_names():
        with as_file(shipped_fits_root().joinpath(f"{path}.nc")) as file:
            return _fit_of(read_file(file), f"shipped fit '{path}'")
    if isinstance(path, str) and not os.path.splitext(path)[1] and not os.path.exists(path):
        known = ", ".join(shipped_fit_names())
        raise FitFileError(
            f"there is no file '{path}', and no fit of that name comes with the package: {known} "
            "does"
        )
    return _fit_of(read_file(path), f"'{path}'")


def _fit_of(stored: Stored, where: str) -> DensityFit | RulerFit:
    """Return a fit from what its file holds."""
    kind = stored.manifest.get("kind", DensityFit.kind)
    if kind not in KINDS:
        raise FitFileError(f"{where} holds a fit of kind '{kind}', which this version cannot read")
    info = FitInfo.from_dict(stored.manifest["info"])
    if stored.data.digest != info.data_digest:
        raise FitFileError(f"{where}: its data are not those that the fit was made from")
    fit: Any = KINDS[kind]
    more: dict[str, Any] = {}
    if stored.reference_posterior is not None:
        more["reference_posterior"] = stored.reference_posterior
    if stored.report:
        more["stored"] = StoredReport.from_json(stored.report)
    made: DensityFit | RulerFit = fit(
        posterior=stored.posterior,
        sample_stats=stored.sample_stats,
        data=stored.data,
        spec=fit._spec_class.from_dict(stored.manifest["spec"]),
        info=info,
        **more,
    )
    made.posterior = with_cell_effects(made.posterior, made._design)
    return made
