"""The loss law of the Densing Law paper: a sum of two powers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, amplitude_priors, laws
from bayesdense.parts.laws.size_power import SizePower
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["PowerSum"]


@laws.register
class PowerSum(SizePower):
    r"""``L(N, D) = a (N/N*)^-alpha + b (D/D*)^-beta``.

    Equation 2 of the Densing Law paper (Xiao et al., arXiv 2412.04315), with
    the sizes relative to the centre ``N*``, ``D*`` of the reference runs:

    - ``a``, the variable ``loss_size_term``, is what the size term contributes
      to the loss at the centre, and ``alpha`` how fast it falls with parameters,
    - ``b``, the variable ``loss_token_term``, is what the token term contributes
      there, and ``beta`` how fast it falls with tokens.

    All four are positive; ``a`` and ``b`` are in the unit of the loss (nats
    per token, or bits per byte).

    Examples
    --------
    A hundred times the parameters at ``alpha = 0.5`` divide the size term by ten:

    >>> law = PowerSum()
    >>> c = {"loss_size_term": 2.0, "alpha": 0.5, "loss_token_term": 1.0, "beta": 0.3}
    >>> float(round(law.loss(np.log(100.0), 0.0, c), 12))
    1.2
    >>> float(round(np.exp(law.log_size(1.2, 0.0, c)), 9))
    100.0
    """

    name: ClassVar[str] = "power-sum"
    equation: ClassVar[str] = "L = a (N/N*)^-alpha + b (D/D*)^-beta"
    coefficients: ClassVar[tuple[str, ...]] = ("loss_size_term", "alpha", "loss_token_term", "beta")
    exponents: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    shape: ClassVar[tuple[str, ...]] = ("alpha",)
    terms: ClassVar[tuple[str, ...]] = ("loss_size_term", "loss_token_term")

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of the amplitudes.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``loss_size_term`` and ``loss_token_term``: half the mean loss each,
            within a factor of e.
        """
        return amplitude_priors(mean_loss)

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return ``b (D/D*)^-beta``.

        Parameters
        ----------
        z : array_like
            ``ln(D/D*)``.
        coefficients : mapping
            With ``loss_token_term`` and ``beta``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(z, *c.values())
        return c["loss_token_term"] * xp.exp(-c["beta"] * z)

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return the two terms at ``N = 1`` and ``D = 1``: ``a N*^alpha``, ``b D*^beta``.

        Parameters
        ----------
        coefficients, log_size, log_tokens
            As for `LossLaw.at_one`.

        Returns
        -------
        dict
            All coefficients.
        """
        c = coefficients
        return {
            **c,
            "loss_size_term": c["loss_size_term"] * np.exp(c["alpha"] * log_size),
            "loss_token_term": c["loss_token_term"] * np.exp(c["beta"] * log_tokens),
        }
