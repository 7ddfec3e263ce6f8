"""Priors as data: they print, compare, travel through JSON and turn into PyMC variables.

A `Prior` names a distribution of PyMC and holds its parameters as numbers, so
that a table of priors can be shown before a model is built, overridden by the
name of the parameter, and saved beside the posterior that it led to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayesdense.errors import PriorError, UnknownNameError

__all__ = ["Prior", "override", "require_prior"]

# Parameter names of each distribution, as PyMC spells them; a trailing "?"
# marks an optional one. POSITIVE holds those that must be above zero.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "Beta": ("alpha", "beta"),
    "Exponential": ("scale",),
    "Gamma": ("alpha", "beta"),
    "HalfCauchy": ("beta",),
    "HalfNormal": ("sigma",),
    "HalfStudentT": ("nu", "sigma"),
    "InverseGamma": ("alpha", "beta"),
    "Laplace": ("mu", "b"),
    "LogNormal": ("mu", "sigma"),
    "Normal": ("mu", "sigma"),
    "StudentT": ("nu", "mu", "sigma"),
    "TruncatedNormal": ("mu", "sigma", "lower?", "upper?"),
    "Uniform": ("lower", "upper"),
}
POSITIVE = frozenset({"alpha", "b", "beta", "nu", "scale", "sigma"})
ON_THE_LINE = frozenset({"Laplace", "Normal", "StudentT"})
ABOVE_ZERO = frozenset(
    {"Exponential", "Gamma", "HalfCauchy", "HalfNormal", "HalfStudentT", "InverseGamma"}
    | {"LogNormal"}
)

Number = float | list[float] | dict[str, float]


class Prior:
    """A prior distribution of one parameter.

    Parameters
    ----------
    distribution : str
        Name of a PyMC distribution: Beta, Exponential, Gamma, HalfCauchy,
        HalfNormal, HalfStudentT, InverseGamma, Laplace, LogNormal, Normal,
        StudentT, TruncatedNormal or Uniform.
    **parameters : float, mapping of str to float, or sequence of float
        The parameters under PyMC's names. A mapping gives one value for each
        entry of the parameter by its name, such as one floor for each
        benchmark; entries that a dataset does not have play no part. A
        sequence gives them in the order of the dataset.

    Raises
    ------
    PriorError
        If the distribution or a parameter is unknown, missing, not finite or
        outside what the distribution allows.

    Examples
    --------
    >>> Prior("LogNormal", mu=-1.2, sigma=0.3)
    Prior('LogNormal', mu=-1.2, sigma=0.3)
    >>> Prior("Normal", mu=0, sigma=1) == Prior("Normal", mu=0.0, sigma=1.0)
    True
    >>> Prior.from_dict(Prior("HalfNormal", sigma=2).to_dict())
    Prior('HalfNormal', sigma=2)
    >>> Prior("Normal", mu={"MMLU": 0.25, "BBH": 0.26}, sigma=0.01)
    Prior('Normal', mu={'MMLU': 0.25, 'BBH': 0.26}, sigma=0.01)
    """

    __slots__ = ("distribution", "parameters")

    distribution: str
    parameters: dict[str, Number]

    def __init__(self, distribution: str, **parameters: Any) -> None:
        if distribution not in DISTRIBUTIONS:
            raise PriorError(str(UnknownNameError.of("distribution", distribution, DISTRIBUTIONS)))
        allowed = [name.rstrip("?") for name in DISTRIBUTIONS[distribution]]
        needed = [name for name in DISTRIBUTIONS[distribution] if not name.endswith("?")]
        for name in parameters:
            if name not in allowed:
                raise PriorError(
                    f"{distribution} has no parameter {name!r}; it takes {', '.join(allowed)}"
                )
        missing = [name for name in needed if name not in parameters]
        if missing:
            raise PriorError(
                f"{distribution} needs {', '.join(missing)}; it takes {', '.join(allowed)}"
            )
        clean = {n: _number(distribution, n, parameters[n]) for n in allowed if n in parameters}
        lower, upper = clean.get("lower"), clean.get("upper")
        if lower is not None and upper is not None and _any_above(lower, upper):
            raise PriorError(f"{distribution} needs lower below upper, and has {lower} and {upper}")
        object.__setattr__(self, "distribution", distribution)
        object.__setattr__(self, "parameters", clean)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a prior is a value, and values do not change."""
        raise AttributeError(f"a Prior cannot be changed; make a new one to set {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how to make a copy: what cannot be changed cannot be filled in."""
        return Prior.from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        """Return the call that makes this prior."""
        inside = ", ".join(f"{name}={_shown(value)}" for name, value in self.parameters.items())
        return f"Prior({self.distribution!r}, {inside})"

    def __eq__(self, other: object) -> bool:
        """Compare distribution and parameters."""
        return isinstance(other, Prior) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash by what is compared."""
        return hash((self.distribution, tuple(sorted(self.parameters))))

    @property
    def support(self) -> str:
        """Where the distribution lives: ``"real"``, ``"positive"`` or ``"bounded"``."""
        if self.distribution in ON_THE_LINE:
            return "real"
        if self.distribution in ABOVE_ZERO:
            return "positive"
        if self.distribution == "TruncatedNormal" and not set(self.parameters) & {"lower", "upper"}:
            return "real"
        return "bounded"

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval on which the distribution has its mass."""
        if self.distribution == "Beta":
            return 0.0, 1.0
        if self.distribution in ABOVE_ZERO:
            return 0.0, math.inf
        lower = self.parameters.get("lower", -math.inf)
        upper = self.parameters.get("upper", math.inf)
        return float(np.min(_values(lower))), float(np.max(_values(upper)))

    def to_dict(self) -> dict[str, Any]:
        """Return distribution and parameters as plain values, ready for JSON.

        Returns
        -------
        dict
            Keys ``distribution`` and ``parameters``.
        """
        return {"distribution": self.distribution, "parameters": dict(self.parameters)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Prior:
        """Make a prior from what `to_dict` gave.

        Parameters
        ----------
        values : mapping
            With the keys ``distribution`` and ``parameters``.

        Returns
        -------
        Prior
        """
        return cls(values["distribution"], **values["parameters"])

    def in_order(self, name: str, labels: Sequence[str] | None) -> Prior:
        """Return this prior with one value for each entry, in their order.

        Parameters
        ----------
        name : str
            The parameter of the model that this is the prior of.
        labels : sequence of str, optional
            Names of its entries; None if it is a single number.

        Returns
        -------
        Prior
            With numbers and lists only.

        Raises
        ------
        PriorError
            If values by name lack an entry, or there are not as many values as
            entries.

        Examples
        --------
        >>> Prior("Normal", mu={"b": 1.0, "a": 2.0}, sigma=1).in_order("map_floor", ["a", "b"])
        Prior('Normal', mu=[2, 1], sigma=1)
        """
        if not any(isinstance(value, list | dict) for value in self.parameters.values()):
            return self
        if labels is None:
            raise PriorError(
                f"priors: '{name}' takes one value of each parameter, and {self} gives several"
            )
        found: dict[str, Any] = {}
        for parameter, value in self.parameters.items():
            if isinstance(value, dict):
                missing = [label for label in labels if label not in value]
                if missing:
                    raise PriorError(
                        f"priors: {parameter} of '{name}' has no value for {_named(missing)}; it "
                        f"has {_named(value)}, and needs {_named(labels)}"
                    )
                found[parameter] = [value[label] for label in labels]
            elif isinstance(value, list) and len(value) != len(labels):
                raise PriorError(
                    f"priors: {parameter} of '{name}' has {len(value)} values, and needs "
                    f"{len(labels)}, one for each of {_named(labels)}; values by name, "
                    f"{parameter}={{{labels[0]!r}: ...}}, do not depend on which there are"
                )
            else:
                found[parameter] = value
        return Prior(self.distribution, **found)

    def arrays(self) -> dict[str, Any]:
        """Return the parameters as numbers and arrays.

        Returns
        -------
        dict of str to float or numpy.ndarray
            Values by name in their own order; `in_order` puts them in that of
            a dataset.
        """
        # As doubles: PyTensor takes a plain number that a float32 can hold for one.
        return {n: np.asarray(_values(v), dtype=float) for n, v in self.parameters.items()}

    def variable(
        self, name: str, parameters: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Make the PyMC random variable, inside the context of a model.

        Parameters
        ----------
        name : str
            Name of the variable.
        parameters : mapping of str to tensor, optional
            What stands for the numbers of this prior.
        **options
            Passed on to PyMC: ``dims``, ``shape``, ``initval``.

        Returns
        -------
        pytensor.tensor.TensorVariable
        """
        import pymc as pm

        values = self.arrays() if parameters is None else parameters
        return getattr(pm, self.distribution)(name, **values, **options)

    def unnamed(self, parameters: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Return the PyMC distribution without a name.

        Parameters
        ----------
        parameters : mapping of str to tensor, optional
            What stands for the numbers of this prior.
        **options
            Passed on to PyMC: ``size``, ``shape``.

        Returns
        -------
        pytensor.tensor.TensorVariable
        """
        import pymc as pm

        values = self.arrays() if parameters is None else parameters
        return getattr(pm, self.distribution).dist(**values, **options)

    def draw(self, shape: tuple[int, ...], random: np.random.Generator | None) -> np.ndarray:
        """Draw numbers of a given shape, against which the parameters broadcast.

        Parameters
        ----------
        shape : tuple of int
            Shape of the result.
        random : numpy.random.Generator, optional
            Source of randomness.

        Returns
        -------
        numpy.ndarray
        """
        return np.asarray(self._twin().rvs(size=shape, random_state=random))

    def median(self) -> np.ndarray:
        """Return the median, of the shape of the parameters.

        Returns
        -------
        numpy.ndarray
        """
        return np.asarray(self._twin().median())

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return the logarithm of the density.

        Parameters
        ----------
        values : numpy.ndarray
            Its last axis is that of a parameter given as a sequence.

        Returns
        -------
        numpy.ndarray
            Of the shape of the values.

        Examples
        --------
        >>> Prior("Normal", mu=0.0, sigma=1.0).log_density([0.0])
        array([-0.91893853])
        """
        return np.asarray(self._twin().logpdf(values))

    def sample(self, size: int, random_seed: int | np.random.Generator) -> np.ndarray:
        """Draw from the prior, for showing it beside a posterior.

        Parameters
        ----------
        size : int
            Number of draws.
        random_seed : int or numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray
            Shape ``(size,)`` or, with a sequence among the parameters,
            ``(size, n)``.
        """
        widths = {len(v) for v in self.parameters.values() if isinstance(v, list | dict)}
        return self.draw((size, *widths), np.random.default_rng(random_seed))

    def _twin(self) -> Any:
        return _frozen(self.distribution, self.arrays())


def _frozen(distribution: str, p: Mapping[str, Any]) -> Any:
    """Return the SciPy twin of a PyMC distribution."""
    from scipy import stats

    if distribution == "TruncatedNormal":
        mu, sigma = p["mu"], p["sigma"]
        lower, upper = p.get("lower", -np.inf), p.get("upper", np.inf)
        return stats.truncnorm((lower - mu) / sigma, (upper - mu) / sigma, loc=mu, scale=sigma)
    if distribution == "HalfStudentT":
        return _FoldedT(p["nu"], p["sigma"])
    make: dict[str, Callable[[], Any]] = {
        "Beta": lambda: stats.beta(p["alpha"], p["beta"]),
        "Exponential": lambda: stats.expon(scale=p["scale"]),
        "Gamma": lambda: stats.gamma(p["alpha"], scale=1.0 / p["beta"]),
        "HalfCauchy": lambda: stats.halfcauchy(scale=p["beta"]),
        "HalfNormal": lambda: stats.halfnorm(scale=p["sigma"]),
        "InverseGamma": lambda: stats.invgamma(p["alpha"], scale=p["beta"]),
        "Laplace": lambda: stats.laplace(p["mu"], p["b"]),
        "LogNormal": lambda: stats.lognorm(p["sigma"], scale=np.exp(p["mu"])),
        "Normal": lambda: stats.norm(p["mu"], p["sigma"]),
        "StudentT": lambda: stats.t(p["nu"], p["mu"], p["sigma"]),
        "Uniform": lambda: stats.uniform(p["lower"], p["upper"] - p["lower"]),
    }
    return make[distribution]()


class _FoldedT:
    """A Student-t without its sign, which SciPy does not have."""

    def __init__(self, nu: Any, sigma: Any) -> None:
        self.nu, self.sigma = nu, sigma

    def median(self) -> np.ndarray:
        from scipy import stats

        return np.asarray(self.sigma * stats.t.ppf(0.75, self.nu))

    def logpdf(self, values: np.ndarray) -> np.ndarray:
        from scipy import stats

        found = np.log(2.0) + stats.t.logpdf(values, self.nu, scale=self.sigma)
        return np.where(np.asarray(values) < 0.0, -np.inf, found)

    def rvs(self, size: tuple[int, ...], random_state: np.random.Generator | None) -> np.ndarray:
        random_state = np.random.default_rng() if random_state is None else random_state
        return np.asarray(np.abs(self.sigma * random_state.standard_t(self.nu, size=size)))


def require_prior(name: str, value: object) -> None:
    """Refuse what is no prior.

    Parameters
    ----------
    name : str
        The parameter that it was given for.
    value : object
        What was given.

    Raises
    ------
    PriorError
        If it is not a `Prior`.
    """
    if not isinstance(value, Prior):
        raise PriorError(
            f"priors: '{name}' needs a bayesdense.Prior, and has {type(value).__name__}"
        )


def override(defaults: Mapping[str, Prior], chosen: Mapping[str, Prior] | None) -> dict[str, Prior]:
    """Replace default priors by those a user chose, and check them.

    Parameters
    ----------
    defaults : mapping of str to Prior
        Every parameter of the model with its default prior.
    chosen : mapping of str to Prior, optional
        Replacements by the name of the parameter.

    Returns
    -------
    dict of str to Prior
        All parameters, in the order of the defaults.

    Raises
    ------
    PriorError
        If a name is not a parameter of the model, a value is not a `Prior`, or
        its support is not the parameter's.
    """
    result = dict(defaults)
    for name, prior in (chosen or {}).items():
        if name not in defaults:
            message = UnknownNameError.of("parameter", name, defaults)
            raise PriorError(f"priors: {message}")
        require_prior(name, prior)
        default = defaults[name]
        if default.support == "real" and prior.support != "real":
            raise PriorError(
                f"priors: '{name}' lives on the whole real line ({default}), "
                f"and {prior} does not; allowed are {', '.join(sorted(ON_THE_LINE))}"
            )
        if default.support == "positive" and not _is_positive(prior):
            raise PriorError(
                f"priors: '{name}' is positive ({default}), and {prior} is not; "
                f"allowed are {', '.join(sorted(ABOVE_ZERO))}, "
                "or TruncatedNormal or Uniform with lower >= 0"
            )
        if default.support == "bounded" and not _within(prior, default):
            raise PriorError(
                f"priors: '{name}' is bounded ({default}), and {prior} reaches beyond; "
                "allowed are Beta, or TruncatedNormal or Uniform inside the bounds"
            )
        result[name] = prior
    return result


def _is_positive(prior: Prior) -> bool:
    return prior.bounds[0] >= 0


def _within(prior: Prior, default: Prior) -> bool:
    (lower, upper), (low, high) = prior.bounds, default.bounds
    return lower >= low and upper <= high


def _number(distribution: str, name: str, value: Any) -> Number:
    """Return a parameter as a float, a list or a dict of floats, or say why it is neither."""
    if isinstance(value, Mapping):
        numbers = _number(distribution, name, list(value.values()))
        return dict(zip(map(str, value), _values(numbers), strict=True))
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise PriorError(f"{distribution}: {name} must be a number, not {value!r}") from None
    if array.ndim > 1 or array.size == 0:
        raise PriorError(f"{distribution}: {name} must be a number or a flat sequence of numbers")
    if not np.all(np.isfinite(array)):
        raise PriorError(f"{distribution}: {name} must be finite, not {value!r}")
    if name in POSITIVE and np.any(array <= 0):
        raise PriorError(f"{distribution}: {name} must be above 0, not {value!r}")
    return float(array) if array.ndim == 0 else [float(v) for v in array]


def _shown(value: Number) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{n!r}: {_shown(v)}" for n, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(v) for v in value) + "]"
    return f"{value:.6g}"


def _values(value: Number) -> Any:
    """Return values by name without their names."""
    return list(value.values()) if isinstance(value, dict) else value


def _any_above(lower: Number, upper: Number) -> bool:
    """Return whether a lower bound is no smaller than its upper bound."""
    if isinstance(lower, dict) and isinstance(upper, dict):
        return any(low >= upper[n] for n, low in lower.items() if n in upper)
    return bool(np.any(np.asarray(_values(lower)) >= np.asarray(_values(upper))))


def _named(labels: Iterable[str]) -> str:
    return ", ".join(map(str, labels)) or "none"
