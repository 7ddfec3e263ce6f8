"""The joint law of Kaplan et al.: parameters and tokens inside one power."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, LossLaw, amplitude_priors, laws
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["Kaplan"]


@laws.register
class Kaplan(LossLaw):
    r"""``L(N, D) = [(Nc/N)^(alpha/beta) + Dc/D]^beta``.

    Equation 1.5 of Kaplan et al. (arXiv 2001.08361), with their ``alpha_N``
    called ``alpha`` and ``alpha_D`` called ``beta``. Relative to the centre
    it is ``[a^(1/beta) (N/N*)^(-alpha/beta) + b^(1/beta) (D/D*)^-1]^beta``:

    - ``a = (Nc/N*)^alpha`` is the loss at ``N*`` with tokens without limit,
      the variable ``loss_size_term``,
    - ``b = (Dc/D*)^beta`` is the loss at ``D*`` with parameters without limit,
      the variable ``loss_token_term``,

    both in the unit of the loss. Where one of the two is far larger, the law
    is a single power.

    Examples
    --------
    At ``alpha = beta = 1`` it is a sum: ``a N*/N + b D*/D``.

    >>> c = {"loss_size_term": 2.0, "alpha": 1.0, "loss_token_term": 1.0, "beta": 1.0}
    >>> float(round(Kaplan().loss(np.log(4.0), np.log(2.0), c), 12))
    1.0
    """

    name: ClassVar[str] = "kaplan"
    equation: ClassVar[str] = "L = [(Nc/N)^(alpha/beta) + Dc/D]^beta"
    coefficients: ClassVar[tuple[str, ...]] = ("loss_size_term", "alpha", "loss_token_term", "beta")
    exponents: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``loss_size_term`` and ``loss_token_term``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            Half the mean loss each, within a factor of e.
        """
        return amplitude_priors(mean_loss)

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``.
        coefficients : mapping
            ``loss_size_term``, ``alpha``, ``loss_token_term`` and ``beta``,
            broadcasting against `x` and `z`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(x, z, *c.values())
        # On the log: the powers 1/beta of the terms would overflow.
        of_size = (xp.log(c["loss_size_term"]) - c["alpha"] * x) / c["beta"]
        of_tokens = xp.log(c["loss_token_term"]) / c["beta"] - z
        return xp.exp(c["beta"] * xp.logaddexp(of_size, of_tokens))

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size, ``b (D/D*)^-beta``.

        Parameters
        ----------
        z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(z, *c.values())
        return c["loss_token_term"] * xp.exp(-c["beta"] * z)

    def log_size(self, loss: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the size at which a loss is reached.

        Parameters
        ----------
        loss : array_like
            In the unit of the law.
        z, coefficients
            As for `loss` (numbers only).

        Returns
        -------
        numpy.ndarray
            ``ln(N/N*)``; NaN where no size reaches the loss.
        """
        c = coefficients
        loss = np.asarray(loss, dtype=float)
        limit = np.asarray(self.limit(z, c), dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            # ln(L^(1/beta) - limit^(1/beta)), with the larger power taken out.
            rest = np.log(loss) / c["beta"] + np.log1p(-np.exp(np.log(limit / loss) / c["beta"]))
            found = (np.log(c["loss_size_term"]) - c["beta"] * rest) / c["alpha"]
            return np.where(loss > limit, found, np.nan)

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return ``Nc`` and ``Dc``, in parameters and tokens.

        Parameters
        ----------
        coefficients, log_size, log_tokens
            As for `LossLaw.at_one`.

        Returns
        -------
        dict
            ``Nc`` and ``Dc`` in the place of ``loss_size_term`` and
            ``loss_token_term``, and all others.
        """
        c = coefficients
        return {
            "Nc": np.exp(log_size + np.log(c["loss_size_term"]) / c["alpha"]),
            "Dc": np.exp(log_tokens + np.log(c["loss_token_term"]) / c["beta"]),
            **{
                name: values
                for name, values in c.items()
                if name not in ("loss_size_term", "loss_token_term")
            },
        }
