"""One law for dense and sparse models."""

from __future__ import annotations

from collections.abc import Mapping
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

    The paper's constants are not taken over: ``g``, the variable
    ``sparsity_floor_exponent``, and ``c_s``, the variable
    ``sparsity_size_term``, have priors.

    Examples
    --------
    >>> c = {"loss_floor": 1.5, "loss_size_term": 2.0, "alpha": 0.5}
    >>> c |= {"loss_token_term": 1.0, "beta": 0.3}
    >>> c |= {"sparsity_floor_exponent": 1.0, "sparsity_size_term": 0.4, "sparsity": 0.75}
    >>> float(round(DenseSparse().loss(0.0, 0.0, c), 12))
    2.675
    """

    name: ClassVar[str] = "dense-and-sparse"
    equation: ClassVar[str] = (
        "L = e (1-s)^g + (a (1-s)^alpha + c_s s) (N/N*)^-alpha + b (D/D*)^-beta"
    )
    coefficients: ClassVar[tuple[str, ...]] = (
        "loss_floor",
        "sparsity_floor_exponent",
        "loss_size_term",
        "sparsity_size_term",
        "alpha",
        "loss_token_term",
        "beta",
    )
    covariates: ClassVar[tuple[str, ...]] = ("sparsity",)
    symbols: ClassVar[Mapping[str, str]] = {
        "sparsity_floor_exponent": "g",
        "sparsity_size_term": "c_s",
    }

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of all coefficients that are not exponents of a size.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``sparsity_floor_exponent`` Normal(0, 0.5): sparsity may move the
            floor either way. ``sparsity_size_term`` half-normal with half the
            mean loss as its scale.
        """
        scale = [float(v) / 2 for v in np.asarray(mean_loss, dtype=float)]
        own = {
            "sparsity_floor_exponent": Prior("Normal", mu=0.0, sigma=0.5),
            "sparsity_size_term": Prior("HalfNormal", sigma=scale),
        }
        return {**super().priors(mean_loss), **own}

    def amplitude(self, coefficients: Coefficients) -> Any:
        """Return ``a (1-s)^alpha + c_s s``."""
        c = coefficients
        s = c.get("sparsity", 0.0)
        return c["loss_size_term"] * (1.0 - s) ** c["alpha"] + c["sparsity_size_term"] * s

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
        dense = (1.0 - c.get("sparsity", 0.0)) ** c["sparsity_floor_exponent"]
        return super().rest(z, {**c, "loss_floor": c["loss_floor"] * dense})

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return the coefficients in the unit of the loss at ``N = 1`` and ``D = 1``.

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
        return {
            **moved,
            "sparsity_size_term": c["sparsity_size_term"] * np.exp(c["alpha"] * log_size),
        }
