"""Train the correction of analyses on the cycles of the last rounds."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from align_da.assimilation.contract import Evidence
from align_da.atmosphere import Grid
from align_da.config import Config
from align_da.runs.corrections import load_correction, taught_correction, untrained_network
from align_da.runs.rounds import with_next_round
from align_da.runs.run import Run, open_run
from align_da.runs.stage_graph import correction_stage, rounds_kept
from align_da.runs.weight_names import CORRECTION
from align_da.stages.training_stage import fit_stage, training_stage
from align_da.storage.met_cycles import EVIDENCE, read_met, rows_of
from align_da.storage.run_folder import RunFolder
from align_da.training.analysis_correction import (
    Aggregated,
    Judgement,
    MetCycles,
    cases_of,
    correction_loss,
    scaling_of,
    shares_of,
)
from align_da.training.believed_share import believed_share
from align_da.training.truth_target import TruthTarget, judged_by_truth
from align_da.training.withheld_target import WithheldTarget, judged_by_withheld

_TARGETS: Mapping[str, type[TruthTarget] | type[WithheldTarget]] = {
    "truth": TruthTarget,
    "observations": WithheldTarget,
}


class _StoredCycles:
    """The cycles of a round, read as they are asked for."""

    def __init__(self, path: Path, target: type[TruthTarget] | type[WithheldTarget]) -> None:
        self._dataset = read_met(path, [field.name for field in fields(target)])
        self._target = target

    def __len__(self) -> int:
        return int(self._dataset.sizes["cycle"])

    def rows(self, rows: Int[np.ndarray, " row"]) -> MetCycles:
        arrays = rows_of(self._dataset, rows)
        evidence = arrays.pop(EVIDENCE)
        return MetCycles(evidence, self._target(**arrays))


def train_correction(config: Config, folder: Path, mesh: Mesh | None) -> None:
    """Train and save the correction; nothing is done where that has been done before.

    Where the configuration names no round it is the next one.

    The first round starts from shares of increments by least squares, without a truth from
    nothing, or from the shipped correction; every further one goes on with the network and the
    scaling of the round before.

    Raises:
        StorageError: the cycles of a round, or the correction of the round before, are missing or
            damaged.
    """
    run = open_run(with_next_round(config, RunFolder(folder)), folder)
    training_stage(
        run.folder,
        correction_stage(run.config, run.folder),
        config.correction.training,
        lambda identity: _train(run, identity, mesh),
        mesh,
    )


def _train(run: Run, identity: str, mesh: Mesh | None) -> None:
    settings, channels = run.config.correction, run.layout.shape[-1]
    training, validation = (_met(run, split) for split in ("train", "validation"))
    if settings.acts_in_cycles:
        before = taught_correction(run, settings.number - 1)
        network, known = before.network, before.scaling
    else:
        network, known = untrained_network(run.config, channels), scaling_of(training, channels)
        if network.increments and settings.target == "truth":
            network.start_from(shares_of(training, known, network.increments))
    scaling = replace(known, share=_believed(run))
    graph, params = nnx.split(network)
    fit_stage(
        run,
        f"{CORRECTION}_{settings.number}",
        identity,
        params,
        correction_loss(graph, _judged(run), scales_spread=settings.scales_spread),
        settings.training,
        cases_of(training, scaling),
        cases_of(validation, scaling),
        lambda best: {"network": best, "scaling": scaling},
        mesh,
    )


def _believed(run: Run) -> Float[Array, "2 lat channel"]:
    """How much of what acted in the cycles of this round they bear out.

    All of it where nothing has acted yet, or no truth is known.
    """
    settings, layout = run.config.correction, run.layout
    if not settings.acts_in_cycles or settings.target != "truth":
        return jnp.ones((2, layout.shape[0], layout.shape[-1]))
    acted = load_correction(run, settings.number - 1)
    cycles = _StoredCycles(run.folder.closed_loop(settings.number, "train"), TruthTarget)

    @jax.jit
    def estimate(evidence: Evidence) -> Float[Array, "lat lon channel"]:
        increment, _ = acted.estimate(evidence)
        return increment / acted.normalisation.std

    return jnp.asarray(believed_share(cycles, estimate, layout.grid))


def _met(run: Run, split: str) -> Aggregated:
    """The cycles of the rounds that are kept; what is validated on are those of the last one."""
    settings = run.config.correction
    rounds = rounds_kept(run.config) if split == "train" else [settings.number]
    paths, target = (run.folder.closed_loop(n, split) for n in rounds), _TARGETS[settings.target]
    return Aggregated(tuple(_StoredCycles(path, target) for path in paths))


def _judged(run: Run) -> Judgement:
    """How the target of the configuration judges."""
    variables = {name: run.layout.channels_of(name) for name in run.layout.variables}
    if run.config.correction.target == "truth":
        return judged_by_truth(_weights(run.layout.grid), variables)
    return judged_by_withheld(variables)


def _weights(grid: Grid) -> Float[Array, "lat lon 1"]:
    """Area of the cells, of mean one."""
    weights = grid.area_weights / grid.area_weights.mean()
    return jnp.asarray(weights[..., None], jnp.float32)
