"""Put the correction that a finished run has learned in cycles into the package.

With it go the statistics and the covariance of 3D-Var that it sees, and the end of the nature run,
from which the demonstration goes on.

Usage: python -m experiments.embedded_world.ship_correction [RUN]
"""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from align_da.config import Config, load_config
from align_da.digests import digest_of
from align_da.errors import InputError
from align_da.prior.increment_correlation import IncrementCorrelation
from align_da.prior.latent_scaling import LatentScaling
from align_da.runs.corrections import load_correction
from align_da.runs.priors import load_model_space_prior
from align_da.runs.rounds import with_last_round
from align_da.runs.run import Run, open_run
from align_da.runs.weight_names import CORRECTION, MODEL_SPACE_SCALING
from align_da.storage.checkpoints import save_weights
from align_da.storage.durable import write_durably
from align_da.storage.run_folder import RunFolder
from align_da.storage.shipped import SHIPPED_CONFIG
from data_pipelines.splits import periods_of
from experiments.embedded_world.ship import TARGET, commit, ship_records

CONFIG = Path(__file__).with_name("closed_loop.toml")


def main() -> None:
    """Write statistics, covariance, correction, their records, and where they came from."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/closed_loop")
    config = load_config(CONFIG, ["cycle.correction_share=1"])
    run = open_run(with_last_round(config, RunFolder(folder)), folder)
    shipped, name = RunFolder(TARGET), f"{CORRECTION}_{run.config.correction.number}"
    shutil.copyfile(run.folder.statistics, shipped.statistics)
    ship_covariance(run, shipped.weights(MODEL_SPACE_SCALING))
    ship_correction(run, shipped.weights(name))
    ship_records(run, ("statistics", "covariance", name))
    ship_start(run, load_config(TARGET / SHIPPED_CONFIG))
    told = {
        "command": "python -m experiments.embedded_world.run closed_loop && "
        "python -m experiments.embedded_world.ship_correction",
        "commit": commit(),
        "configuration": digest_of(run.config),
        "averaged": run.config.correction.averaged,
    }
    write_durably(TARGET / "CORRECTION.json", json.dumps(told, indent=1).encode())


def ship_start(run: Run, demonstration: Config) -> None:
    """The end of the nature run, from which the demonstration goes on.

    Raises:
        InputError: the demonstration begins at another time, and so in another season.
    """
    end = periods_of(run.config.world)["test"].end
    begins = periods_of(demonstration.world)["train"].start
    if begins != end:
        message = (
            f"expected the demonstration to begin at {end}, where the nature run ends, got "
            f"{begins}: change world.start of {SHIPPED_CONFIG}"
        )
        raise InputError(message)
    with np.load(run.folder.root / "truth_restart.npz") as state:
        changed = {"done": np.asarray(0), "configuration": digest_of(demonstration.world)}
        start = {**state, **{name: np.asarray(value) for name, value in changed.items()}}
    np.savez_compressed(TARGET / "truth_restart.npz", allow_pickle=False, **start)


def ship_correction(run: Run, folder: Path) -> None:
    """The mean of the networks that acts, in half precision."""
    correction = load_correction(run, run.config.correction.number)
    bundle = {"network": nnx.state(correction.network), "scaling": correction.scaling}
    save_weights(folder, bundle, {"name": folder.name}, precision="float16")


def ship_covariance(run: Run, folder: Path) -> None:
    """The covariance, in half precision, without what the forecast model cannot hold.

    Raises:
        InputError: it is of another kind.
    """
    scaling = load_model_space_prior(run).scaling
    if not isinstance(scaling.correlation, IncrementCorrelation):
        message = f"expected a correlation by wavenumber, got {type(scaling.correlation).__name__}"
        raise InputError(message)
    truncation = run.config.analysis.truncation
    if truncation is not None:
        scaling = replace(scaling, correlation=up_to(scaling.correlation, truncation))
    scaling = with_shorter_lead(scaling, run.config.cycle.window_hours)
    save_weights(folder, scaling, {"name": folder.name}, precision="float16")


def with_shorter_lead(scaling: LatentScaling, hours: float) -> LatentScaling:
    """The same with a lead time of the window before the others, as the latents that are shipped.

    Shorter lead times than the first had the statistics of that one before.
    """

    def with_first_again(by_lead: Float[Array, "lead *rest"]) -> Float[Array, "_ *rest"]:
        return jnp.concatenate([by_lead[:1], by_lead])

    correlation = scaling.correlation
    if isinstance(correlation, IncrementCorrelation):
        correlation = replace(
            correlation,
            mode_variance=with_first_again(correlation.mode_variance),
            other_variance=with_first_again(correlation.other_variance),
        )
    return replace(
        scaling,
        lead_hours=jnp.concatenate([jnp.full(1, hours, jnp.float32), scaling.lead_hours]),
        increment_root=with_first_again(scaling.increment_root),
        correlation=correlation,
    )


def up_to(correlation: IncrementCorrelation, truncation: int) -> IncrementCorrelation:
    """The same without the modes of zonal wavenumbers beyond a truncation."""
    waves = jnp.arange(correlation.modes.shape[0])[:, None, None, None]
    return replace(correlation, modes=jnp.where(waves <= truncation, correlation.modes, 0))


if __name__ == "__main__":
    main()
