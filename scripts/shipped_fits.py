"""Make the fits that come with the package: ``python scripts/shipped_fits.py``.

What ``bayesdense fit densing5`` fits, thinned to what placing, tables and figures
need, in ``src/bayesdense/shipped_fits/``; and beside it, in a text file, the log density of the
model at some of its draws, by which a test sees that data or model have changed since.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from pathlib import Path

import bayesdense as bd
from bayesdense.cli.common import chosen_by_default
from bayesdense.fit.shipped import shipped_fits_root

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.joint import log_density_of_draws

DATASETS = ("densing5",)
DRAWS = 1000


def main() -> None:
    """Fit each dataset with the defaults; refuse what is not to be trusted."""
    for name in DATASETS:
        fit = bd.DensityModel().fit(chosen_by_default(name), random_seed=1)
        print(fit)
        if not fit.checks().trusted:
            raise SystemExit(f"the fit of {name} is not to be trusted, and is not shipped")
        thin = fit.thin(DRAWS)
        version = f"bayesdense {bd.__version__}"
        thin.info = dataclasses.replace(thin.info, shipped_with=version)
        with tempfile.TemporaryDirectory() as folder:
            # What is read from the file is rounded.
            stored = bd.load_fit(thin.save(Path(folder) / "fit.nc"))
        densities = log_density_of_draws(stored)
        file = Path(str(shipped_fits_root())) / f"{name}.nc"
        thin.save(file)
        file.with_suffix(".json").write_text(json.dumps(densities, indent=1) + "\n")
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
