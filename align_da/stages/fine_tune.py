"""Fine-tune the reference prior: by preference, or one of the controls on the same budget."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PyTree, Shaped

from align_da.alignment.contract import AlignmentCase
from align_da.alignment.fine_tuning import (
    WEIGHTINGS,
    DenoisingError,
    PreferenceBatch,
    make_preference_loss,
    preference_batch,
)
from align_da.alignment.objectives import CONTROLS
from align_da.alignment.pairs import PreferencePairs, select_pairs
from align_da.atmosphere import State
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import Config
from align_da.diffusion.amplitude import AdaptedNetwork
from align_da.diffusion.condition import Condition
from align_da.diffusion.contract import LatentFields
from align_da.diffusion.objective import Colour, DenoisingBatch, draw_noise, per_sample_error
from align_da.diffusion.schedule import Schedule
from align_da.errors import InputError
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.alignment_cases import alignment_cases
from align_da.runs.objectives import build_objective
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import fine_tuning_stage
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.datasets import read_dataset
from align_da.training.batches import Cases
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
        run.folder,
        fine_tuning_stage(config, run.folder, what),
        config.alignment.training,
        lambda identity: _fine_tune(run, what, identity, mesh),
        mesh,
    )


def _fine_tune(run: Run, what: What, identity: str, mesh: Mesh | None) -> None:
    settings = run.config.alignment
    objective = build_objective(settings.objective) if what == "aligned" else CONTROLS[what]
    prior = load_prior(run, "reference")
    training, validation = _preferences(run, prior)
    network = AdaptedNetwork(prior.network, prior.space.autoencoder.latent_shape)
    graph, params, frozen = nnx.split(network, _TRAINED[settings.trained], ...)
    loss = make_preference_loss(
        denoising_error(graph, frozen, prior.schedule, jax.vmap(prior.scaling.colour)),
        params,
        objective,
        lambda key, shape: draw_noise(prior.schedule, key, shape),
        beta=settings.beta,
        anchor_weight=settings.anchor_weight if what == "aligned" else 0.0,
        weight=prior.schedule.weight,
        preference_weight=WEIGHTINGS[settings.weighting],
    )
    fit_stage(
        run,
        what,
        identity,
        params,
        loss,
        settings.training,
        training,
        validation,
        lambda best: {"network": nnx.state(nnx.merge(graph, best, frozen))},
        mesh,
    )


def _preferences(run: Run, prior: LatentPrior) -> tuple[Cases, Cases]:
    """Preference pairs of the candidates, those to learn from and those to validate on."""
    settings = run.config.alignment
    scored = read_dataset(run.folder.candidates).load()
    rewards = scored["rewards"].transpose("case", "candidate", "reward").to_numpy()
    pairs = select_pairs(
        rewards, quantile=settings.quantile, count=settings.pairs, seed=run.config.seed
    )
    cases = _same_cases(alignment_cases(run), scored["valid_time"].to_numpy())
    truth = _truth_of_cases(cases, prior.space).batch(np.arange(len(rewards)), prior.scaling)
    latents = scored["latent"].to_numpy()

    def cases_of(chosen: PreferencePairs) -> Cases:
        def batch(rows: Int[np.ndarray, " batch"]) -> PreferenceBatch:
            return preference_batch(latents, truth.increment, truth.condition, chosen, rows)

        return batch, len(chosen)

    held_out = pairs.case % _HELD_OUT == _HELD_OUT - 1
    return cases_of(pairs.where(~held_out)), cases_of(pairs.where(held_out))


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
        increment: LatentFields,
        condition: Condition,
        sigma: Float[Array, " batch"],
        noise: LatentFields,
    ) -> Float[Array, " batch"]:
        network = nnx.merge(graph, params, frozen)
        batch = DenoisingBatch(increment, condition)
        coloured = colour(noise, condition.lead_hours)
        return per_sample_error(network, schedule, batch, sigma, coloured)

    return error


def _same_cases(
    cases: Iterable[AlignmentCase], times: Shaped[np.ndarray, " case"]
) -> Iterator[AlignmentCase]:
    """The cases, which candidates are joined to by their order.

    Args:
        cases: read again.
        times: valid times of the cases that the candidates were drawn for.

    Raises:
        InputError: they are cases of other times.
    """
    for number, (case, time) in enumerate(zip(cases, times, strict=True)):
        if case.valid_time != time:
            message = (
                f"expected case {number} of the candidates at {case.valid_time}, got {time}: "
                "draw them again (align-da align candidates)"
            )
            raise InputError(message)
        yield case


def _truth_of_cases(cases: Iterable[AlignmentCase], space: LatentSpace) -> LatentPairs:
    """Latents of the truth and the background of every case."""
    return encode_pairs(
        space,
        ((_one(case.truth), _one(case.background), case.background_lead_hours) for case in cases),
    )


def _one(state: State) -> State:
    """A state as a batch of one."""
    return State(state.values[None], state.layout)
