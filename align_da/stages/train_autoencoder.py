"""Train the autoencoder on truths and backgrounds of the training period."""

from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Float, Int

from align_da.atmosphere import Normalisation
from align_da.autoencoder import (
    PairBatch,
    autoencoder_loss,
    initialise_from_patches,
    reconstruction_errors,
    reconstruction_variances,
)
from align_da.config import Config
from align_da.parallel.meeting import writes
from align_da.runs.priors import save_representation, untrained_autoencoder
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import autoencoder_stage
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.mapped_arrays import mapped_array
from align_da.storage.statistics import read_normalisation
from align_da.storage.tables import write_table

_CASES_FOR_INITIALISATION = 400


def train_autoencoder(config: Config, folder: Path, mesh: Mesh | None) -> None:
    """Train and save the autoencoder; nothing is done where that has been done before.

    Raises:
        StorageError: truth, backgrounds or statistics are missing or damaged.
    """
    run = open_run(config, folder)
    training_stage(
        run.folder,
        autoencoder_stage(config, run.folder),
        config.autoencoder.training,
        lambda identity: _train(run, identity, mesh),
        mesh,
    )


def _train(run: Run, identity: str, mesh: Mesh | None) -> None:
    settings = run.config.autoencoder
    normalisation = read_normalisation(run.folder.statistics)
    truth, background = _standardised_pairs(run, "train", normalisation)
    increments = truth[:_CASES_FOR_INITIALISATION] - background[:_CASES_FOR_INITIALISATION]
    increment_std = increments.std(axis=(0, 1, 2))
    autoencoder = initialise_from_patches(
        untrained_autoencoder(run.config.autoencoder, run.layout, run.config.seed),
        truth[:_CASES_FOR_INITIALISATION],
        increments,
        increment_std,
    )
    graph, params = nnx.split(autoencoder)
    loss = autoencoder_loss(
        graph, jnp.asarray(run.layout.grid.area_weights), jnp.asarray(increment_std)
    )
    held_out = _standardised_pairs(run, "validation", normalisation)
    trained = fit_stage(
        run,
        "autoencoder",
        identity,
        params,
        loss,
        settings.training,
        (_batches(truth, background), len(truth)),
        (_batches(*held_out), len(held_out[0])),
        lambda best: {"autoencoder": best, "normalisation": normalisation},
        mesh,
    )
    if writes():
        _measure(run, nnx.merge(graph, trained), normalisation)


def _standardised_pairs(
    run: Run, split: str, normalisation: Normalisation
) -> tuple[Float[np.ndarray, "case lat lon channel"], Float[np.ndarray, "case lat lon channel"]]:
    """Truth and background of every pair of a split, standardised, on the disk; start by start."""
    pairs = run.pairs(split)
    shape = (len(pairs.starts), len(pairs.lead_hours), *run.layout.shape)
    truths, backgrounds = (mapped_array(run.folder.root, shape) for _ in range(2))
    for starts in pairs.blocks():
        for place, lead in enumerate(pairs.lead_hours):
            truth, background = pairs.read(lead, starts)
            truths[starts, place] = normalisation.normalise(truth)
            backgrounds[starts, place] = normalisation.normalise(background)
    return truths.reshape(-1, *run.layout.shape), backgrounds.reshape(-1, *run.layout.shape)


def _batches(
    truth: Float[np.ndarray, "case lat lon channel"],
    background: Float[np.ndarray, "case lat lon channel"],
) -> Callable[[Int[np.ndarray, " batch"]], PairBatch]:
    return lambda rows: PairBatch(jnp.asarray(truth[rows]), jnp.asarray(background[rows]))


def _measure(run: Run, autoencoder: nnx.Module, normalisation: Normalisation) -> None:
    """Write what the autoencoder loses on validation data: its report, and what belongs to R."""
    pairs, rows, lost = run.pairs("validation"), [], []
    for lead in pairs.lead_hours:
        blocks = (pairs.read(lead, starts) for starts in pairs.blocks())
        found = reconstruction_variances(autoencoder, blocks, normalisation)
        errors = reconstruction_errors(found, run.layout)
        rows += [{"lead_hours": lead, **vars(error)} for error in errors]
        lost.append(found["error"])
    save_representation(run, lost)
    write_table(run.folder.report / "reconstruction.csv", pd.DataFrame(rows))
