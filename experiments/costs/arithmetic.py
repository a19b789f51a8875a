"""Arithmetic and largest arrays of programs on any grid, traced and never run.

All blocks of a network are alike. Networks of one and of two blocks are traced, and the difference
counted as often as there are more: tracing two dozen of them takes minutes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from align_da.atmosphere import Layout
from align_da.autoencoder import PairBatch
from align_da.config import Config, TrainingConfig
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import DenoisingBatch, denoising_loss
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.training_plan import training_plan
from align_da.training import initial_state, make_optimizer, make_step
from align_da.training.step import Loss
from experiments.costs.synthetic import LEAD_HOURS, autoencoder_loss_of, latent_shape_of, prior_of

FLOAT = 4  # bytes


def count_products(function: Callable[..., Any], *arguments: Any) -> float:  # noqa: ANN401  any program
    """Multiplications and additions of every product of matrices, loops of known length included.

    Args:
        function: traced, not run; it must hold no loop that ends by a condition.
        arguments: arrays, or what has their shapes.
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


@dataclass(frozen=True)
class Traced:
    """What one program takes.

    Attributes:
        flop: multiplications and additions, as `count_products` counts them.
        largest: bytes of the largest array that it makes, if the compiler fuses none away.
    """

    flop: float
    largest: int


def trace(function: Callable[..., Any], *arguments: Any) -> Traced:  # noqa: ANN401  any program
    """Arithmetic and largest array of a program, arguments as of `count_products`."""
    program = jax.make_jaxpr(function)(*arguments).jaxpr
    return Traced(_count(program), _largest(program))


def _largest(jaxpr: Any) -> int:  # noqa: ANN401  a jaxpr has no public type
    made = [out.aval for equation in jaxpr.eqns for out in equation.outvars]
    sizes: list[int] = [
        prod(aval.shape) * aval.dtype.itemsize for aval in made if hasattr(aval, "dtype")
    ]
    within = [_largest(p) for e in jaxpr.eqns for p in _inner(e.params.values())]
    return max([0, *sizes, *within])


def _count(jaxpr: Any) -> float:  # noqa: ANN401  a jaxpr has no public type
    total = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            shared = prod(left[axis] for axis in contracted)
            total += 2.0 * shared * prod(equation.outvars[0].aval.shape)
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += times * sum(_count(inner) for inner in _inner(equation.params.values()))
    return total


def _inner(values: Any) -> Iterator[Any]:  # noqa: ANN401  parameters of a primitive
    """The programs within a primitive."""
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _inner(value)
        elif hasattr(value, "eqns"):
            yield value
        elif hasattr(value, "jaxpr"):
            yield value.jaxpr


@dataclass(frozen=True)
class Demand:
    """What a program takes.

    Attributes:
        parameters: numbers of the networks that it runs.
        flop: multiplications and additions of its products of matrices.
        largest: bytes of the largest array that it makes, if the compiler fuses none away.
    """

    parameters: float
    flop: float
    largest: float


def programs(config: Config, layout: Layout) -> dict[str, Demand]:
    """The parts of an analysis, an analysis by JFPS without H, and a step of training a case."""
    one, two = (_of_depth(config, layout, depth) for depth in (1, 2))
    more = {part: getattr(config, part).depth - 1 for part in ("autoencoder", "denoiser")}
    found = {}
    for name, first in one.items():
        second, blocks = two[name], more[_NETWORK[name]]
        found[name] = Demand(
            first.parameters + blocks * (second.parameters - first.parameters),
            first.flop + blocks * (second.flop - first.flop),
            max(first.largest, second.largest),
        )
    found["analysis, JFPS"] = _analysis(config, found)
    return found


_NETWORK = {
    "encode": "autoencoder",
    "decode": "autoencoder",
    "increment": "autoencoder",
    "increment, tangent and transpose": "autoencoder",
    "denoise": "denoiser",
    "autoencoder, training step": "autoencoder",
    "score model, training step": "denoiser",
}


def _analysis(config: Config, found: Mapping[str, Demand]) -> Demand:
    """An iteration of conjugate gradients is a tangent and a transposed decoding."""
    increment, denoise = found["increment"], found["denoise"]
    linear = found["increment, tangent and transpose"]
    # The first residual of conjugate gradients and the last transpose are an iteration and a half.
    iterations = config.guidance.iterations + 1.5
    guided = denoise.flop + increment.flop + iterations * (linear.flop - increment.flop)
    return Demand(
        increment.parameters + denoise.parameters,
        found["encode"].flop + config.sampler.steps * guided + increment.flop,
        max(program.largest for program in (found["encode"], linear, denoise)),
    )


def _of_depth(config: Config, layout: Layout, depth: int) -> dict[str, Demand]:
    """All but the analysis, of networks of so many blocks."""
    shallow = {
        part: getattr(config, part).model_copy(update={"depth": depth})
        for part in ("autoencoder", "denoiser")
    }
    config = config.model_copy(update=shallow)
    return {**_forward(config, layout), **_training(config, layout)}


def _forward(config: Config, layout: Layout) -> dict[str, Demand]:
    prior = _shapes(lambda: prior_of(config, layout, trained=True))
    state = _shapes(lambda: jnp.zeros(layout.shape))
    latent = _shapes(lambda: jnp.zeros(latent_shape_of(config.autoencoder, layout)))
    one = _shapes(lambda: jnp.zeros(()))
    autoencoder, network = (nnx.state(part) for part in (prior.space.autoencoder, prior.network))
    return {
        "encode": _program(autoencoder, lambda p, x: p.space.encode(x), prior, state),
        "decode": _program(
            autoencoder, lambda p, z: p.space.autoencoder.decode(z[None]), prior, latent
        ),
        "increment": _program(autoencoder, _increment, prior, state, latent),
        "increment, tangent and transpose": _program(
            autoencoder, _linearised, prior, state, latent
        ),
        "denoise": _program(network, _denoise, prior, latent, one),
    }


def _training(config: Config, layout: Layout) -> dict[str, Demand]:
    prior = _shapes(lambda: prior_of(config, layout, trained=False))
    states = PairBatch(*[_shapes(lambda: jnp.zeros((1, *layout.shape)))] * 2)
    shape = latent_shape_of(config.autoencoder, layout)
    latents, scalar = _shapes(lambda: jnp.zeros((1, *shape))), _shapes(lambda: jnp.zeros(1))
    noisy = DenoisingBatch(latents, Condition(latents, scalar))
    loss = denoising_loss(nnx.graphdef(prior.network), prior.schedule)
    return {
        "autoencoder, training step": _step(
            prior.space.autoencoder,
            autoencoder_loss_of(prior, layout),
            states,
            config.autoencoder.training,
        ),
        "score model, training step": _step(prior.network, loss, noisy, config.denoiser.training),
    }


def _step(
    network: nnx.Module,
    loss: Loss,
    batch: Any,  # noqa: ANN401  whatever the loss takes
    settings: TrainingConfig,
) -> Demand:
    optimizer, params = make_optimizer(training_plan(settings)), nnx.state(network)
    state = jax.eval_shape(lambda params: initial_state(params, optimizer), params)
    step = make_step(loss, optimizer, settings.ema_decay)
    return _program(params, step, state, batch, _shapes(lambda: jax.random.key(0)))


def _program(params: Any, function: Callable[..., Any], *arguments: Any) -> Demand:  # noqa: ANN401
    """A program that runs the network of `params`."""
    traced = trace(function, *arguments)
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    return Demand(count, traced.flop, traced.largest)


def _denoise(prior: LatentPrior, latent: jax.Array, sigma: jax.Array) -> jax.Array:
    return prior.denoiser(latent, jnp.float32(LEAD_HOURS))(latent, sigma)


def _increment(prior: LatentPrior, state: jax.Array, latent: jax.Array) -> jax.Array:
    return prior.analysis(state, latent, latent, jnp.float32(LEAD_HOURS))


def _linearised(prior: LatentPrior, state: jax.Array, latent: jax.Array) -> Any:  # noqa: ANN401
    """The analysis, its tangent and the transpose of that."""
    moved, tangent = jax.linearize(lambda z: _increment(prior, state, z), latent)
    transpose = jax.linear_transpose(tangent, latent)
    return moved, transpose(tangent(latent))


def _shapes(make: Callable[[], Any]) -> Any:  # noqa: ANN401  any tree of arrays
    return jax.eval_shape(make)
