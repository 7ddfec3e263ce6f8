"""Rewrite a PyMC model so that the sampler sees its variables in other coordinates.

The distribution of every variable stays what it is. A variable gets a transform, ``rate x +
shift`` or ``rate ln x + shift``, of which rate and shift may depend on other variables; zero-sum
effects become sums over directions, of which there is one fewer. The rewritten model has the same
variables, and for zero-sum effects and sums of terms other free ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bayesdense.coordinates.transforms import (
    Bent,
    moved_coordinates,
    moved_from_data,
    moved_logarithm,
    moved_together,
)

__all__ = ["Rewrite"]


class Rewrite(Mapping[str, Any]):
    """A PyMC model on its way to the sampler's coordinates.

    As a mapping it gives every variable and every number of the model by name.
    New coordinates may depend on variables that came before, and are put in at
    the end, all together.

    Parameters
    ----------
    model : pymc.Model
        With all its numbers in `pymc.Data`; it is not changed.
    arrays : mapping of str to numpy.ndarray
        The numbers of the coordinates, which become data of the new model.
    """

    def __init__(self, model: Any, arrays: Mapping[str, np.ndarray]) -> None:
        import pytensor
        from pymc.model.fgraph import fgraph_from_model, model_named

        self._graph, memo = fgraph_from_model(model)
        self._variables = {name: memo[variable] for name, variable in model.named_vars.items()}
        self._lengths = self._graph._dim_lengths
        self._replaced: list[tuple[Any, Any]] = []
        self._added: list[Any] = []
        self.starts: dict[str, np.ndarray] = {}
        for name, values in arrays.items():
            shared = pytensor.shared(np.asarray(values), name=name)
            self._variables[name] = model_named(shared, name)
            self._added.append(self._variables[name])

    def __getitem__(self, name: str) -> Any:
        """Return the tensor of a variable or number."""
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._variables)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._variables)

    def __contains__(self, name: object) -> bool:
        """Return whether there is a variable or number of this name."""
        return name in self._variables

    def length(self, dim: str) -> Any:
        """Return the length of a dimension, as a symbol; 0 where there is none of that name."""
        return self._lengths.get(dim, 0)

    def shape(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """Return the lengths of dimensions as numbers."""
        return tuple(int(self._lengths[dim].get_value()) for dim in dims)

    def dims(self, name: str) -> tuple[str, ...]:
        """Return the dimensions of a free variable."""
        return tuple(self._variables[name].owner.op.dims)

    def start(self, name: str, value: Any) -> None:
        """Say where chains start in a free variable that keeps its coordinates."""
        self.starts[name] = np.broadcast_to(value, self.shape(self.dims(name)))

    def set_transform(self, name: str, transform: Any, start: Any) -> None:
        """Replace the transform of a free variable, which keeps its distribution.

        Parameters
        ----------
        name : str
            Of the variable.
        transform : pymc.logprob.transforms.Transform
            The new one.
        start : array_like
            Where chains start.
        """
        variable = self._variables[name]
        rv = variable.owner.inputs[0]
        self._replace(name, rv, transform, self.dims(name))
        self.start(name, start)

    def bend(
        self,
        name: str,
        parameters: list[Any],
        dist: Callable[..., Any],
        *,
        transform: Any,
        place: Any,
        width: Any,
        start: Any,
    ) -> None:
        """Sample a variable in the bent coordinate of a transform.

        Parameters
        ----------
        name : str
            Of the variable.
        parameters : list of tensor
            Of its distribution.
        dist : callable
            From the parameters to the distribution, unnamed.
        transform : pymc.logprob.transforms.Transform
            Without parameters.
        place, width : tensor
            As for `bayesdense.coordinates.transforms.Bent`.
        start : array_like
            Where chains start.
        """
        self.custom(
            name, [*parameters, place, width], _logp_of(dist, len(parameters)), Bent(transform)
        )
        self.start(name, start)

    def move(
        self,
        name: str,
        parameters: list[Any],
        dist: Callable[..., Any],
        *,
        shift: Any,
        rate: Any = 1.0,
        log: bool = False,
        from_data: bool = False,
        together: tuple[Any, Any] | None = None,
        start: Any = 0.0,
    ) -> None:
        """Sample a variable as ``rate x + shift``.

        Parameters
        ----------
        name : str
            Of the variable.
        parameters : list of tensor
            Of its distribution.
        dist : callable
            From the parameters to the distribution, unnamed.
        shift, rate : tensor
            May depend on variables that come before.
        log : bool
            Whether it is the logarithm that is moved.
        from_data : bool
            Whether 0 is where the data put the coordinate, so that chains
            start there.
        together : tuple of tensor, optional
            Share and unit of `bayesdense.coordinates.transforms.MovedTogether`,
            for a logarithm with a rate of 1.
        start : array_like
            Where chains start otherwise.
        """
        moved = moved_from_data if from_data else moved_coordinates
        if together is None:
            of_transform = [rate, shift]
            transform = moved_logarithm if log else moved
        else:
            of_transform, transform = [shift, *together], moved_together
        logp = _logp_of(dist, len(parameters))
        self.custom(name, [*parameters, *of_transform], logp, transform)
        self.start(name, start)

    def standardise(
        self,
        name: str,
        precision: Any,
        log_scale: Any,
        information: Any,
        *,
        mean: Any = None,
        pull: Any = None,
        start: Any = None,
    ) -> None:
        """Sample ``Normal(0, scale)`` effects as standardised deviations from what data say.

        A partially non-centred parametrisation. Sampled as multiples of the
        scale, effects that the data fix well diverge where the scale is large;
        sampled as they are, effects that the data fix badly diverge where it is
        small. If the data by themselves fix an effect around ``m`` with the
        precision ``k``, its conditional posterior has the precision
        ``q = 1/scale^2 + k`` and the mean ``m k / q``. Its coordinate is the
        deviation from there, standardised by ``q^(-1/2)``. The distribution is
        Normal(0, scale) for any ``k`` and ``m``.

        Parameters
        ----------
        name : str
            Of the variable.
        precision, log_scale : tensor
            ``1/scale^2`` and the logarithm of the scale of its distribution;
            where many effects share a scale, it is cheaper to take the
            logarithm of the few.
        information : tensor
            ``k``, positive.
        mean : tensor, optional
            ``m``; 0 if not given.
        pull : tensor, optional
            ``k m``, in the place of `mean`, where ``k`` may be 0.
        start : array_like, optional
            Where chains start; by default where the data put the effects.
        """
        rate, shift = _conditional(precision, information, mean, pull)
        moved = moved_from_data if start is None else moved_coordinates
        self.custom(name, [precision, log_scale, rate, shift], normal_logp, moved)
        self.start(name, 0.0 if start is None else start)

    def contrast(
        self,
        name: str,
        basis: Any,
        scale: Any,
        labels: list[Any],
        *,
        error: Any = None,
        mean: Any = None,
        pull: Any = None,
        shape: Any = None,
    ) -> None:
        """Sample zero-sum ``Normal(0, scale)`` effects along directions that add up to zero.

        Their mean has no distribution and is not sampled.

        Parameters
        ----------
        name : str
            Of the effects, which become a deterministic variable; the free
            one is ``<name>_contrast``.
        basis : tensor, shape (effect, contrast)
            Orthonormal directions.
        scale : tensor
            Standard deviation before the mean is taken off: a number, or one
            for each direction.
        labels : list
            Of the directions.
        error : tensor, shape (contrast,), optional
            How well the data by themselves would fix the effects along those
            directions; without it they are sampled as multiples of the scale.
        mean : tensor, shape (effect,), optional
            Where the data put the effects.
        pull : tensor, shape (contrast,), optional
            In the place of `mean`, as for `standardise`.
        shape : tensor, optional
            Of the effects, where they have more than one axis.
        """
        import pytensor
        from pymc.model.fgraph import model_deterministic

        contrast, dim = f"{name}_contrast", f"{name}_contrast_id"
        self._graph._coords[dim] = tuple(labels)
        self._lengths[dim] = pytensor.shared(np.array(len(labels)), name=dim)
        along = None if mean is None else (basis * mean[:, None]).sum(axis=0)
        precision = scale**-2.0
        if error is None:
            rate = 1.0 / scale
            shift = 0.0 if along is None else -along * rate
        else:
            rate, shift = _conditional(precision, error**-2.0, along, pull)
        parameters = [precision, log_of(scale), rate, shift]
        # Where nothing says where the effects are, a pilot does.
        transform = moved_coordinates if mean is None else moved_from_data
        free = self._free(contrast, parameters, normal_logp, transform, (dim,))
        # Not as a matrix product: it takes ten seconds to compile, for a few numbers.
        effects = (basis * free).sum(axis=1)
        effects = effects if shape is None else effects.reshape(shape)
        dims = self.dims(name)
        self._replaced.append((name, model_deterministic(effects, name, *dims)))
        self.starts[contrast] = np.zeros(len(labels))

    def join(
        self,
        names: tuple[str, ...],
        into: str,
        parameters: list[Any],
        logp: Callable[..., Any],
        transform: Any,
        start: np.ndarray,
        dims: tuple[str, str],
    ) -> None:
        """Sample the logarithms of some variables together.

        Parameters
        ----------
        names : tuple of str
            The variables, which become deterministic.
        into : str
            The free variable that takes their place: their logarithms, on the
            last axis.
        parameters, logp
            Of its distribution.
        transform : pymc.logprob.transforms.Transform
            Its coordinates.
        start : numpy.ndarray
            Where chains start.
        dims : tuple of str
            Of the new variable; the second is new.
        """
        import pytensor
        import pytensor.tensor as pt
        from pymc.model.fgraph import model_deterministic

        self._graph._coords[dims[1]] = tuple(names)
        self._lengths[dims[1]] = pytensor.shared(np.array(len(names)), name=dims[1])
        free = self._free(into, parameters, logp, transform, dims)
        for i, name in enumerate(names):
            value = pt.exp(free[:, i])
            self._replaced.append((name, model_deterministic(value, name, *self.dims(name))))
        self._variables[into] = free
        self.starts[into] = start

    def custom(self, name: str, parameters: list[Any], logp: Any, transform: Any) -> None:
        """Replace a free variable by one whose transform reads its last parameters.

        Parameters
        ----------
        name : str
            Of the variable.
        parameters : list of tensor
            Of the distribution, and of the transform.
        logp : callable
            From value and parameters to the log density.
        transform : pymc.logprob.transforms.Transform
            The coordinates.
        """
        rv = self._distribution(name, parameters, logp, self.dims(name))
        self._replace(name, rv, transform, self.dims(name))

    def _free(
        self, name: str, parameters: list[Any], logp: Any, transform: Any, dims: tuple[str, ...]
    ) -> Any:
        """Add a free variable."""
        variable = self._made(
            name, self._distribution(name, parameters, logp, dims), transform, dims
        )
        self._added.append(variable)
        return variable

    def _distribution(
        self, name: str, parameters: list[Any], logp: Any, dims: tuple[str, ...]
    ) -> Any:
        import pymc as pm

        size = [self._lengths[dim] for dim in dims]
        return pm.CustomDist.dist(*parameters, logp=logp, size=size, class_name=f"Moved_{name}")

    def _replace(self, name: str, rv: Any, transform: Any, dims: tuple[str, ...]) -> None:
        self._replaced.append((name, self._made(name, rv, transform, dims)))

    @staticmethod
    def _made(name: str, rv: Any, transform: Any, dims: tuple[str, ...]) -> Any:
        from pymc.model.fgraph import model_free_rv

        value = rv.type()
        value.name = f"{name}_{transform.name}__"
        return model_free_rv(rv, value, transform, name, *dims)

    def finish(self, *, without: tuple[str, ...] = ()) -> Any:
        """Put all new coordinates in.

        Parameters
        ----------
        without : tuple of str
            Deterministic variables that the new model does not have.

        Returns
        -------
        pymc.Model
        """
        from pymc.model.fgraph import model_from_fgraph

        graph = self._graph
        for variable in self._added:
            graph.add_output(variable, import_missing=True)
        # From the last back: the new form of a variable refers to the old ones before it.
        for name, new in reversed(self._replaced):
            graph.replace(self._variables[name], new, import_missing=True, reason="coordinates")
        for place in reversed(range(len(graph.outputs))):
            variable = graph.outputs[place]
            if variable.owner is not None and getattr(variable.owner.op, "name", None) in without:
                graph.remove_output(place)
                # What is computed from it goes on from what it was computed from.
                graph.replace(variable, variable.owner.inputs[0], reason="not kept")
        return model_from_fgraph(graph, mutate_fgraph=True)


def _logp_of(dist: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return a log density of which the first parameters are those of a distribution.

    Without it PyMC would look into the distribution, and the transform would see its parameters
    in the place of its own.
    """
    import pymc as pm

    def logp(value: Any, *given: Any) -> Any:
        return pm.logp(dist(*given[:count]), value)

    return logp


def log_of(scale: Any) -> Any:
    """Return the logarithm of a tensor."""
    import pytensor.tensor as pt

    return pt.log(scale)


def normal_logp(value: Any, precision: Any, log_scale: Any, rate: Any, shift: Any) -> Any:
    """Return the log density of ``Normal(0, scale)``; rate and shift only move the coordinates.

    Parameters
    ----------
    value, precision, log_scale, rate, shift : tensor
        As for `Rewrite.standardise`.

    Returns
    -------
    tensor
    """
    return -0.5 * value**2 * precision - log_scale - 0.5 * np.log(2.0 * np.pi)


def _conditional(precision: Any, information: Any, mean: Any, pull: Any) -> tuple[Any, Any]:
    """Return rate and shift of effects that data fix around a mean."""
    import pytensor.tensor as pt

    rate = pt.sqrt(precision + information)
    if pull is None and mean is not None:
        pull = information * mean
    return rate, 0.0 if pull is None else -pull / rate
