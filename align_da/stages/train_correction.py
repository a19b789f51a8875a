"""Train the correction of analyses on the cycles of the last rounds."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from align_da.atmosphere import Grid
from align_da.config import Config
from align_da.runs.corrections import (
    CORRECTION,
    load_correction,
    untrained_network,
)
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import correction_stage, rounds_kept
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.met_cycles import read_met, rows_of
from align_da.training.analysis_correction import (
    Aggregated,
    MetCycles,
    cases_of,
    correction_loss,
    scaling_of,
    shares_of,
)


class _StoredCycles:
    """The cycles of a round, read as they are asked for."""

    def __init__(self, path: Path) -> None:
        self._dataset = read_met(path)

    def __len__(self) -> int:
        return int(self._dataset.sizes["cycle"])

    def rows(self, rows: Int[np.ndarray, " row"]) -> MetCycles:
        return MetCycles(**rows_of(self._dataset, rows))


def train_correction(config: Config, folder: Path, mesh: Mesh | None) -> None:
    """Train and save the correction; nothing is done where that has been done before.

    The first round starts from shares of increments by least squares; every further one goes on
    with the network and the scaling of the round before.

    Raises:
        StorageError: the cycles of a round, or the correction of the round before, are missing or
            damaged.
    """
    run = open_run(config, folder)
    training_stage(
        run.folder,
        correction_stage(config, run.folder),
        config.correction.training,
        lambda identity: _train(run, identity, mesh),
        mesh,
    )


def _train(run: Run, identity: str, mesh: Mesh | None) -> None:
    settings, channels = run.config.correction, run.layout.shape[-1]
    training, validation = (_met(run, split) for split in ("train", "validation"))
    if settings.round:
        before = load_correction(run, settings.round - 1)
        network, scaling = before.network, before.scaling
    else:
        network, scaling = untrained_network(run.config, channels), scaling_of(training)
        if network.increments:
            network.start_from(shares_of(training, scaling, network.increments))
    graph, params = nnx.split(network)
    weights = _weights(run.layout.grid)
    fit_stage(
        run,
        f"{CORRECTION}_{settings.round}",
        identity,
        params,
        correction_loss(
            graph,
            weights,
            scales_spread=settings.scales_spread,
            variables={name: run.layout.channels_of(name) for name in run.layout.variables},
        ),
        settings.training,
        cases_of(training, scaling),
        cases_of(validation, scaling),
        lambda best: {"network": best, "scaling": scaling},
        mesh,
    )


def _met(run: Run, split: str) -> Aggregated:
    """The cycles of the rounds that are kept; what is validated on are those of the last one."""
    last = run.config.correction.round
    rounds = rounds_kept(run.config) if split == "train" else [last]
    return Aggregated(tuple(_StoredCycles(run.folder.closed_loop(n, split)) for n in rounds))


def _weights(grid: Grid) -> Float[Array, "lat lon 1"]:
    """Area of the cells, of mean one."""
    weights = grid.area_weights / grid.area_weights.mean()
    return jnp.asarray(weights[..., None], jnp.float32)
