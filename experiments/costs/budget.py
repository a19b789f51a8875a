"""Memory and arithmetic of every component at the paper's size, computed from shapes alone.

Nothing of that size is allocated or run: arithmetic is counted in what JAX traces, memory is what
XLA plans for the compiled program (for the CPU; other devices plan a little differently). A step
of training is compiled for one and for two cases, whose difference is what a case costs, and for
parameters split over groups of devices.

Usage: python -m experiments.costs.budget [--grid 128 256] [--tensor 1 8]
       [--set section.key=value]
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Devices that only plan; read when JAX starts.
os.environ["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count=8 {os.environ.get('XLA_FLAGS', '')}"
)

import jax
import jax.numpy as jnp
import pandas as pd
from flax import nnx

from align_da.atmosphere import Layout
from align_da.autoencoder import PairBatch
from align_da.config import Config, TrainingConfig, load_config
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import DenoisingBatch, denoising_loss
from align_da.parallel.mesh import shardings
from align_da.runs.training_plan import training_plan
from align_da.training import device_mesh, initial_state, make_optimizer, make_step
from align_da.training.step import Loss
from align_da.verification.table_format import to_markdown
from experiments.costs.arithmetic import FLOAT, count_products
from experiments.costs.paper_size import CONFIG
from experiments.costs.synthetic import autoencoder_loss_of, latent_shape_of, layout_of, prior_of
from experiments.options import options
from experiments.results import add_result, write_result


@dataclass(frozen=True)
class Component:
    """A network in training.

    Attributes:
        name: for the table.
        params: shapes of its parameters.
        loss: its objective as it is trained, and without recomputation.
        training: how.
        batch: shapes of a batch of so many cases.
    """

    name: str
    params: Any
    loss: tuple[Loss, Loss]
    training: TrainingConfig
    batch: Callable[[int], Any]

    @property
    def weights(self) -> int:
        """Number of parameters."""
        return sum(leaf.size for leaf in jax.tree.leaves(self.params))


def main() -> None:
    """Compute, write the results and print the tables."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--grid", type=int, nargs=2, default=(128, 256))
    parser.add_argument("--tensor", type=int, nargs="*", default=(1, 8))
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    config, layout = load_config(CONFIG, arguments.set), layout_of(*arguments.grid)
    parts = list(components(config, layout))
    counted = pd.DataFrame([arithmetic(part) for part in parts])
    write_result(arguments.folder, "arithmetic", counted)
    print(to_markdown(counted), flush=True)
    rows = [memory(part, tensor) for part in parts for tensor in arguments.tensor]
    if rows:
        add_result(arguments.folder, "memory", pd.DataFrame(rows), ["component", "devices"])
        print(to_markdown(pd.DataFrame(rows)))


def components(config: Config, layout: Layout) -> Iterator[Component]:
    """The autoencoder and the score model; its noise is white here, which costs less than 1 %."""
    kept, plain = (
        jax.eval_shape(lambda trained=trained: prior_of(config, layout, trained=trained))
        for trained in (False, True)
    )
    latent = latent_shape_of(config.autoencoder, layout)
    networks = [nnx.graphdef(prior.network) for prior in (kept, plain)]
    yield Component(
        "autoencoder",
        nnx.state(kept.space.autoencoder),
        (autoencoder_loss_of(kept, layout), autoencoder_loss_of(plain, layout)),
        config.autoencoder.training,
        lambda cases: PairBatch(*[_shape(cases, *layout.shape)] * 2),
    )
    yield Component(
        "score model",
        nnx.state(kept.network),
        (denoising_loss(networks[0], kept.schedule), denoising_loss(networks[1], plain.schedule)),
        config.denoiser.training,
        lambda cases: DenoisingBatch(
            _shape(cases, *latent),
            Condition(_shape(cases, *latent), _shape(cases)),
        ),
    )


def arithmetic(part: Component) -> dict[str, object]:
    """Parameters, and multiplications and additions of a case in training."""
    optimizer = make_optimizer(training_plan(part.training))
    state = jax.eval_shape(lambda params: initial_state(params, optimizer), part.params)
    flops = []
    for loss in part.loss:
        step = make_step(loss, optimizer, part.training.ema_decay)
        flops.append(count_products(step, state, part.batch(1), _key()))
    return {
        "component": part.name,
        "parameters, million": part.weights / 1e6,
        "weights, GB": FLOAT * part.weights / 1e9,
        "training step, TFLOP a case": flops[1] / 1e12,
        "with recomputation": flops[0] / 1e12,
    }


def memory(part: Component, tensor: int) -> dict[str, object]:
    """Memory of a device in training, parameters split over `tensor` of them."""
    mesh = device_mesh(tensor, jax.devices()[:tensor])
    optimizer = make_optimizer(training_plan(part.training))
    state = jax.eval_shape(lambda params: initial_state(params, optimizer), part.params)
    placed = jax.tree.map(
        lambda leaf, where: leaf.update(sharding=where), state, shardings(state, mesh)
    )
    step = make_step(part.loss[0], optimizer, part.training.ema_decay, mesh)
    plans: list[Any] = [
        jax.jit(step, donate_argnums=0)
        .lower(placed, part.batch(cases), _key())
        .compile()
        .memory_analysis()
        for cases in (1, 2)
    ]
    one, two = (plan.temp_size_in_bytes / 1e9 for plan in plans)
    beside = plans[0].output_size_in_bytes - plans[0].alias_size_in_bytes
    return {
        "component": part.name,
        "devices": tensor,
        "state, GB": plans[0].argument_size_in_bytes / 1e9,
        "next state beside it, GB": beside / 1e9,
        "work, GB": 2 * one - two,
        "a case more, GB": two - one,
    }


def _shape(*sizes: int) -> Any:  # noqa: ANN401  stands for an array
    return jax.eval_shape(lambda: jnp.zeros(sizes))


def _key() -> Any:  # noqa: ANN401  the shape of a key
    return jax.eval_shape(lambda: jax.random.key(0))


if __name__ == "__main__":
    main()
