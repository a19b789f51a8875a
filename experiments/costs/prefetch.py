"""What it gains that batches are made ahead (`align_da.training.prefetch`).

Steps of training are timed with the batches made between them and with batches made ahead, in
turns. The batches are those of the score model, of random latents; the steps are those of a small
network on the same cores, or wait without computing, as a processor does while its accelerator
computes.

Usage: python -m experiments.costs.prefetch [--grid 32 64] [--steps 10] [--pairs 7]
       [--set section.key=value]
"""

import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
from flax import nnx

from align_da.config import TrainingConfig, load_config
from align_da.diffusion.objective import DenoisingBatch
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.training_plan import training_plan
from align_da.training import BatchPlan, initial_state, make_optimizer, make_step
from align_da.training.latent_pairs import LatentPairs
from align_da.training.prefetch import prefetched
from align_da.verification.cost import measured
from align_da.verification.table_format import to_markdown
from experiments.costs.paper_size import CONFIG, KEY
from experiments.costs.synthetic import (
    LEAD_HOURS,
    denoising_loss_of,
    latent_shape_of,
    layout_of,
    prior_of,
)
from experiments.options import options
from experiments.results import write_result

SMALL = (
    "autoencoder.width=32",
    "autoencoder.depth=1",
    "denoiser.width=32",
    "denoiser.depth=2",
    "denoiser.correlation_modes=20",
)
CASES = 64
BatchAt = Callable[[int], DenoisingBatch]
Step = Callable[[DenoisingBatch], Any]
"""Returns when the step is done, as a training does that shows its loss."""


def main() -> None:
    """Time every kind of step, write the result and print it."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--grid", type=int, nargs=2, default=(32, 64))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    config, layout = load_config(CONFIG, [*SMALL, *arguments.set]), layout_of(*arguments.grid)
    prior, training = prior_of(config, layout, trained=False), config.denoiser.training
    batch_at = batches(prior, latent_shape_of(config.autoencoder, layout), training.batch_size)
    making = seconds_of(lambda: batch_at(0))
    print(f"A batch takes {making:.2f} s.\n", flush=True)
    steps = {
        "computes on the same cores": computing_step(prior, training),
        "waits as long as a batch takes": waiting_step(making),
        "waits twice as long": waiting_step(2 * making),
    }
    count, pairs = arguments.steps, arguments.pairs
    table = pd.DataFrame([compared(*step, batch_at, count, pairs) for step in steps.items()])
    write_result(arguments.folder, "prefetch", table)
    print(to_markdown(table))


def batches(prior: LatentPrior, shape: tuple[int, int, int], size: int) -> BatchAt:
    """Batches of random latents, made when they are asked for."""
    cases, plan = random_cases(shape), BatchPlan(CASES, size, seed=0)

    def batch_at(step: int) -> DenoisingBatch:
        batch = cases.batch(plan.indices(step), prior.scaling)
        jax.block_until_ready(batch)  # type: ignore[no-untyped-call]
        return batch

    return batch_at


def random_cases(shape: tuple[int, int, int]) -> LatentPairs:
    """Cases in host memory."""
    rng = np.random.default_rng(0)
    truth, background = rng.normal(size=(2, CASES, *shape)).astype(np.float32)
    return LatentPairs(truth, background, np.full(CASES, LEAD_HOURS, np.float32))


def computing_step(prior: LatentPrior, training: TrainingConfig) -> Step:
    """A step of training of the score model."""
    optimizer = make_optimizer(training_plan(training))
    step = make_step(denoising_loss_of(prior), optimizer, training.ema_decay)
    state = initial_state(nnx.state(prior.network), optimizer)

    def following(batch: DenoisingBatch) -> None:
        nonlocal state
        state, metrics = step(state, batch, KEY)
        float(metrics["loss"])

    return following


def waiting_step(seconds: float) -> Step:
    """A compiled program that takes its time and no core."""

    def wait(value: np.ndarray) -> np.ndarray:
        time.sleep(seconds)
        return value

    program = jax.jit(lambda value: jax.pure_callback(wait, value, value))
    return lambda batch: jax.block_until_ready(program(batch.condition.lead_hours))  # type: ignore[no-untyped-call]


def compared(
    name: str, step: Step, batch_at: BatchAt, steps: int, pairs: int
) -> dict[str, object]:
    """One row of the table: seconds of a step and its batch, both ways in turns."""
    batch = batch_at(0)
    alone = seconds_of(lambda: step(batch))

    def train(batches: Iterable[DenoisingBatch]) -> None:
        for batch in batches:
            step(batch)

    between, ahead = [], []
    for _ in range(pairs):
        between.append(measured(lambda: train(map(batch_at, range(steps))))[1].seconds / steps)
        ahead.append(
            measured(lambda: train(prefetched(batch_at, range(steps))))[1].seconds / steps
        )
    ratios = [one / other for one, other in zip(between, ahead, strict=True)]
    return {
        "the step": name,
        "step alone, s": alone,
        "batches between, s": statistics.median(between),
        "batches ahead, s": statistics.median(ahead),
        "faster by": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def seconds_of(call: Callable[[], Any]) -> float:
    """Median seconds of a call, after one that compiles."""
    _, *taken = (measured(call)[1].seconds for _ in range(4))
    return statistics.median(taken)


if __name__ == "__main__":
    main()
