"""A small regression with noise in the loss, for tests of the training loop.

Run as a program it trains into a folder, on all devices of all processes:
`tiny.py FOLDER TENSOR [COORDINATOR PROCESSES PROCESS [LAST_STEP]]`, after which it kills itself.
"""

import os
import signal
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from align_da.parallel.distributed import joined_processes
from align_da.parallel.distributed_processes import Processes
from align_da.training import BatchPlan, FitResult, ProgressReport, TrainingPlan, fit

Params = dict[str, jax.Array]
_RNG = np.random.default_rng(0)
FEATURES = _RNG.normal(size=(40, 6)).astype(np.float32)
VALUES = np.tanh(FEATURES @ _RNG.normal(size=(6, 1)).astype(np.float32))
TRAINING = TrainingPlan(
    steps=40,
    batch_size=8,
    learning_rate=1e-2,
    warm_up_steps=5,
    weight_decay=1e-4,
    gradient_clip=1.0,
    ema_decay=0.9,
    validate_every=8,
    early_stopping=True,
    patience=100,
)
PLAN = BatchPlan(count=32, batch_size=TRAINING.batch_size, seed=1)


def initial_params() -> Params:
    rng = np.random.default_rng(1)
    return {
        "inward": jnp.asarray(0.3 * rng.normal(size=(6, 8)), jnp.float32),
        "outward": jnp.asarray(0.3 * rng.normal(size=(8, 1)), jnp.float32),
        "bias": jnp.zeros(1),
    }


def loss(
    params: Params, batch: dict[str, jax.Array], key: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    noisy = batch["features"] + 0.01 * jax.random.normal(key, batch["features"].shape)
    found = jnp.tanh(noisy @ params["inward"]) @ params["outward"] + params["bias"]
    error = jnp.square(found - batch["values"]).mean()
    return error, {"largest": jnp.abs(found - batch["values"]).max()}


def batch_of(cases: np.ndarray) -> dict[str, jax.Array]:
    return {"features": jnp.asarray(FEATURES[cases]), "values": jnp.asarray(VALUES[cases])}


def train(
    checkpoints: Path | None = None, mesh: Mesh | None = None, report: ProgressReport | None = None
) -> FitResult:
    return fit(
        initial_params(),
        loss,
        lambda step: batch_of(PLAN.indices(step)),
        [batch_of(np.arange(32, 40))],
        TRAINING,
        seed=3,
        checkpoints=checkpoints,
        mesh=mesh,
        report=report,
    )


def save_result(result: FitResult, folder: Path) -> None:
    """Parameters and history, in a file of this process."""
    np.savez(
        folder / f"result_{jax.process_index()}.npz",
        **{name: np.asarray(leaf) for name, leaf in result.params.items()},
        history=np.array([[row[name] for name in sorted(row)] for row in result.history[1:]]),
    )


if __name__ == "__main__":
    folder, tensor, *others = sys.argv[1:]
    last = int(others.pop()) if len(others) > 3 else None
    address, count, process = (others[0], *map(int, others[1:])) if others else (None,) * 3

    def die_after_last(step: int, _: object) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with joined_processes(Processes(address, count, process, tensor=int(tensor))) as mesh:
        result = train(Path(folder), mesh, die_after_last)
    save_result(result, Path(folder))
