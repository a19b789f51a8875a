"""The disk that the work of a command takes, from shapes: bytes that are not compressed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from align_da.config import Config, TrainingConfig
from align_da.cycling.record import SCALAR_FIELDS, member_fields, observation_fields
from align_da.runs.corrections import untrained_network as untrained_correction
from align_da.runs.observing_system import observing_system
from align_da.runs.priors import untrained_autoencoder, untrained_network
from align_da.runs.run import Run, open_run
from align_da.runs.training_plan import training_plan
from align_da.storage.checkpoints import KEPT
from align_da.storage.cycle_record import StoreTemplate
from align_da.storage.run_folder import RunFolder
from align_da.training.optimizer import make_optimizer
from align_da.training.state import initial_state

Bytes = Mapping[str, int]
"""By what takes them."""
_FLOAT = 4  # bytes


def disk_of_work(command: str, config: Config, folder: Path, left: int) -> Bytes:
    """What a command writes, where its shapes are known before it begins.

    Args:
        command: without "align-da" and its options.
        config: the configuration.
        folder: of the run.
        left: cycles that are to be made.

    Returns:
        Nothing where they are not: the truth, which says the layout, has not been made, or what
        is written are tables.
    """
    if not RunFolder(folder).truth.exists():
        return {}
    run = open_run(config, folder)
    if command == "cycle":
        return {f"{left} cycles": left * bytes_of_cycle(run)}
    if command == "align candidates":
        return {"candidates": _bytes_of_candidates(run)}
    return _bytes_of_training(run, command)


def bytes_of_cycle(run: Run) -> int:
    """One cycle in the store."""
    config, layout = run.config, run.layout
    reports = config.reports
    count = observing_system(run).planned.value.size if reports is None else reports.padded
    return StoreTemplate(
        layout=layout,
        times=np.empty(0, "datetime64[ns]"),
        members=config.cycle.members,
        observations=count,
        observation_fields=observation_fields(layout),
        scalar_fields=SCALAR_FIELDS,
        member_fields=member_fields(layout),
    ).bytes_per_cycle


def _bytes_of_training(run: Run, command: str) -> Bytes:
    """Weights of the network and the checkpoints that are kept."""
    config, channels = run.config, run.layout.shape[-1]
    networks: Mapping[str, tuple[Any, TrainingConfig]] = {
        "train autoencoder": (lambda: _autoencoder(run), config.autoencoder.training),
        "train denoiser": (lambda: _denoiser(run), config.denoiser.training),
        "train model_error": (lambda: _denoiser(run), config.model_error.training),
        "train correction": (
            lambda: untrained_correction(config, channels),
            config.correction.training,
        ),
    }
    if command not in networks:
        return {}
    made, section = networks[command]
    _, params = nnx.split(nnx.eval_shape(made))
    optimizer = make_optimizer(training_plan(section))
    state = jax.eval_shape(lambda given: jax.tree.leaves(initial_state(given, optimizer)), params)
    checkpoint = _bytes_of(state) + _bytes_of(params)
    return {"weights": _bytes_of(params), f"{KEPT} checkpoints": KEPT * checkpoint}


def _autoencoder(run: Run) -> nnx.Module:
    return untrained_autoencoder(run.config.autoencoder, run.layout, run.config.seed)


def _latent_shape(run: Run) -> tuple[int, int, int]:
    shape: tuple[int, int, int] = nnx.eval_shape(lambda: _autoencoder(run)).latent_shape
    return shape


def _denoiser(run: Run) -> nnx.Module:
    return untrained_network(run.config, _latent_shape(run))


def _bytes_of_candidates(run: Run) -> int:
    """Latents and rewards of every candidate."""
    settings = run.config.alignment
    numbers = int(np.prod(_latent_shape(run))) + len(settings.rewards)
    return _FLOAT * settings.backgrounds * settings.candidates * numbers


def _bytes_of(tree: Any) -> int:  # noqa: ANN401 (a pytree of shapes)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
