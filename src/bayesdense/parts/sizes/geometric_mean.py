"""Half-way between all parameters and the active ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from bayesdense.parts.sizes.base import SizeDefinition, sizes

__all__ = ["GeometricMean"]


@sizes.register
class GeometricMean(SizeDefinition):
    """``N = sqrt(N_total N_active)``, a rule of thumb for mixture models.

    For dense models all three definitions agree.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"n_params": [4e9, 7e9], "n_active": [1e9, 7e9]})
    >>> np.exp(GeometricMean().log_size(table)).round(-6)
    array([2.e+09, 7.e+09])
    """

    name: ClassVar[str] = "geometric-mean"
    label: ClassVar[str] = "geometric mean of total and active parameters"

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return the log size of each model.

        Parameters
        ----------
        models : pandas.DataFrame
            With the columns ``n_params`` and ``n_active``.

        Returns
        -------
        numpy.ndarray
            ``ln N``, one for each row.
        """
        both = models[["n_params", "n_active"]].to_numpy(dtype=float)
        return np.asarray(np.log(both).mean(axis=1))
