"""Only the parameters that a token passes through count."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from bayesdense.parts.sizes.base import SizeDefinition, sizes

__all__ = ["Active"]


@sizes.register
class Active(SizeDefinition):
    """``N`` is the number of active parameters: for a mixture model, those used for one token.

    Examples
    --------
    >>> import pandas as pd
    >>> Active().log_size(pd.DataFrame({"n_active": [1.0]}))
    array([0.])
    """

    name: ClassVar[str] = "active"
    label: ClassVar[str] = "active parameters"

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return the log size of each model.

        Parameters
        ----------
        models : pandas.DataFrame
            With the column ``n_active``.

        Returns
        -------
        numpy.ndarray
            ``ln N``, one for each row.
        """
        return np.log(models["n_active"].to_numpy(dtype=float))
