"""One law for dense and sparse models."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, laws
from bayesdense.parts.laws.irreducible import Irreducible
from bayesdense.priors import Prior

__all__ = ["DenseSparse"]


@laws.register
class DenseSparse(Irreducible):
    r"""``L = e (1-s)^g + (a (1-s)^alpha + c_s s) (N/N*)^-alpha + b (D/D*)^-beta``.

    The law of Hossain et al. (arXiv 2508.06617) with ``s``, from 0 to below
    1, the share of parameters that a token does not pass through; it is read
    from the column ``sparsity`` of the models table. Coefficients are relative
    to the centre of the runs; ``e``, ``a``, ``b`` and ``c_s`` are in the unit of
    the loss. At ``s = 0`` it is `Irreducible`; targets are read as dense.

    The paper's constants are not taken over: ``g`` and ``c_s`` have priors.

    Examples
    --------
    >>> c = {"e": 1.5, "g": 1.0, "a": 2.0, "c_s": 0.4, "alpha": 0.5, "b": 1.0, "beta": 0.3}
    >>> float(round(DenseSparse().loss(0.0, 0.0, {**c, "sparsity": 0.75}), 12))
    2.675
    """

    name: ClassVar[str] = "dense-and-sparse"
    equation: ClassVar[str] = (
        "L = e (1-s)^g + (a (1-s)^alpha + c_s s) (N/N*)^-alpha + b (D/D*)^-beta"
    )
    coefficients: ClassVar[tuple[str, ...]] = ("e", "g", "a", "c_s", "alpha", "b", "beta")
    covariates: ClassVar[tuple[str, ...]] = ("sparsity",)

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of all coefficients that are not exponents of a size.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``g`` Normal(0, 0.5): sparsity may move the floor either way. ``c_s``
            half-normal with half the mean loss as its scale.
        """
        scale = [float(v) / 2 for v in np.asarray(mean_loss, dtype=float)]
        own = {
            "g": Prior("Normal", mu=0.0, sigma=0.5),
            "c_s": Prior("HalfNormal", sigma=scale),
        }
        return {**super().priors(mean_loss), **own}

    def amplitude(self, coefficients: Coefficients) -> Any:
        """Return ``a (1-s)^alpha + c_s s``."""
        c = coefficients
        s = c.get("sparsity", 0.0)
        return c["a"] * (1.0 - s) ** c["alpha"] + c["c_s"] * s

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return ``e (1-s)^g + b (D/D*)^-beta``.

        Parameters
        ----------
        z : array_like
            ``ln(D/D*)``.
        coefficients : mapping
            All coefficients, and ``sparsity`` where it is not 0.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        dense = (1.0 - c.get("sparsity", 0.0)) ** c["g"]
        return super().rest(z, {**c, "e": c["e"] * dense})

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return ``a``, ``b`` and ``c_s`` at ``N = 1`` and ``D = 1``.

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
        moved = super().at_one(c, log_size, log_tokens)
        return {**moved, "c_s": c["c_s"] * np.exp(c["alpha"] * log_size)}
