"""Fine-tune the reference prior: by preference, or one of the controls on the same budget."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PyTree

from align_da.alignment.fine_tuning import (
    WEIGHTINGS,
    DenoisingError,
    PreferenceBatch,
    make_preference_loss,
    preference_batch,
)
from align_da.alignment.objectives import OBJECTIVES
from align_da.alignment.pairs import PreferencePairs, select_pairs
from align_da.atmosphere import State
from align_da.config import Config
from align_da.diffusion.amplitude import AdaptedNetwork
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import Colour, DenoisingBatch, draw_noise, per_sample_error
from align_da.diffusion.schedule import Schedule
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.alignment_cases import alignment_cases
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import fine_tuning_stage
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.datasets import read_dataset
from align_da.training.latent_pairs import LatentPairs, encode_pairs

What = Literal["aligned", "continued", "supervised"]


def _is_amplitude(path: tuple[object, ...], _value: object) -> bool:
    """Whether a parameter belongs to the direct path of an adapted network."""
    return "amplitude" in path


_TRAINED: dict[str, Any] = {"all": nnx.Param, "amplitude": _is_amplitude}
"""What fine-tuning may change; see `align_da.diffusion.amplitude`."""
_HELD_OUT = 8  # of this many cases one is for validation


def fine_tune(config: Config, folder: Path, what: What, mesh: Mesh | None) -> None:
    """Train and save the prior `what`; nothing is done where that has been done before.

    Raises:
        StorageError: candidates or the reference prior are missing or damaged.
    """
    run = open_run(config, folder)
    training_stage(
        run,
        fine_tuning_stage(config, run.folder, what),
        config.alignment.training,
        lambda identity: _fine_tune(run, what, identity, mesh),
        mesh,
    )


def _fine_tune(run: Run, what: What, identity: str, mesh: Mesh | None) -> None:
    settings, prior = run.config.alignment, load_prior(run, "reference")
    scored = read_dataset(run.folder.candidates).load()
    rewards = scored["rewards"].transpose("case", "candidate", "reward").to_numpy()
    pairs = select_pairs(
        rewards, quantile=settings.quantile, count=settings.pairs, seed=run.config.seed
    )
    held_out = pairs.case % _HELD_OUT == _HELD_OUT - 1
    truth = _truth_of_cases(run, prior).batch(np.arange(len(rewards)), prior.scaling)
    latents = scored["latent"].to_numpy()

    def batches(
        chosen: PreferencePairs,
    ) -> Callable[[Int[np.ndarray, " batch"]], PreferenceBatch]:
        return lambda rows: preference_batch(
            latents, truth.increment, truth.condition, chosen, rows
        )

    network = AdaptedNetwork(prior.network, prior.space.autoencoder.latent_shape)
    graph, params, frozen = nnx.split(network, _TRAINED[settings.trained], ...)
    objective = settings.objective if what == "aligned" else what
    loss = make_preference_loss(
        denoising_error(graph, frozen, prior.schedule, jax.vmap(prior.scaling.colour)),
        params,
        OBJECTIVES[objective],
        lambda key, shape: draw_noise(prior.schedule, key, shape),
        beta=settings.beta,
        anchor_weight=settings.anchor_weight if what == "aligned" else 0.0,
        weight=prior.schedule.weight,
        preference_weight=WEIGHTINGS[settings.weighting],
    )
    training, validation = pairs.where(~held_out), pairs.where(held_out)
    fit_stage(
        run,
        what,
        identity,
        params,
        loss,
        settings.training,
        (batches(training), len(training)),
        (batches(validation), len(validation)),
        lambda best: {"network": nnx.state(nnx.merge(graph, best, frozen))},
        mesh,
    )


def denoising_error(
    graph: nnx.GraphDef, frozen: PyTree, schedule: Schedule, colour: Colour
) -> DenoisingError:
    """The error of the noise as a function of the trained parameters.

    Args:
        graph: structure of the network.
        frozen: the parameters that are not trained.
        schedule: its noise schedule.
        colour: correlates the noise.
    """

    def error(
        params: PyTree,
        increment: Float[Array, "batch lat lon latent"],
        condition: Condition,
        sigma: Float[Array, " batch"],
        noise: Float[Array, "batch lat lon latent"],
    ) -> Float[Array, " batch"]:
        network = nnx.merge(graph, params, frozen)
        batch = DenoisingBatch(increment, condition)
        coloured = colour(noise, condition.lead_hours)
        return per_sample_error(network, schedule, batch, sigma, coloured)

    return error


def _truth_of_cases(run: Run, prior: LatentPrior) -> LatentPairs:
    """Latents of the truth and the background of every case."""
    return encode_pairs(
        prior.space,
        (
            (_one(case.truth), _one(case.background), case.background_lead_hours)
            for case in alignment_cases(run)
        ),
    )


def _one(state: State) -> State:
    """A state as a batch of one."""
    return State(state.values[None], state.layout)
