"""All parameters count."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from bayesdense.parts.sizes.base import SizeDefinition, sizes

__all__ = ["Total"]


@sizes.register
class Total(SizeDefinition):
    """``N`` is the total number of parameters, as in equation 1 of the Densing Law paper.

    Examples
    --------
    >>> import pandas as pd
    >>> Total().log_size(pd.DataFrame({"n_params": [1.0, 1e9]})).round(2)
    array([ 0.  , 20.72])
    """

    name: ClassVar[str] = "total"
    label: ClassVar[str] = "total parameters"

    def log_size(self, models: pd.DataFrame) -> np.ndarray:
        """Return the log size of each model.

        Parameters
        ----------
        models : pandas.DataFrame
            With the column ``n_params``.

        Returns
        -------
        numpy.ndarray
            ``ln N``, one for each row.
        """
        return np.log(models["n_params"].to_numpy(dtype=float))
