"""The learned correction of analyses, put together from the configuration and a run folder."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx

from align_da.assimilation.analysis_correction import (
    AnalysisCorrection,
    CorrectedAnalysis,
    EvidenceScaling,
)
from align_da.assimilation.contract import Analysis
from align_da.assimilation.correction_network import CorrectionNetwork
from align_da.assimilation.evidence import INCREMENTS
from align_da.config import BEFORE_ROUNDS, Config
from align_da.errors import StorageError
from align_da.keys import Purpose, key_for
from align_da.runs.rounds import rounds_averaged
from align_da.runs.run import Run
from align_da.runs.shipped_parts import shipped_correction
from align_da.runs.variational import three_d_var
from align_da.runs.weight_names import CORRECTION
from align_da.storage.checkpoints import load_weights
from align_da.storage.stages import check_as_made
from align_da.storage.statistics import read_normalisation


def corrected(
    run: Run,
    method: Analysis,
    correction: AnalysisCorrection,
    share: float,
    reach: float | None = None,
) -> CorrectedAnalysis:
    """A method with so much of a correction before or after it, as [correction] says.

    Args:
        run: the run.
        method: what is corrected.
        correction: the correction.
        share: of it that acts.
        reach: metres from a used observation, up to which it acts; None is everywhere.
    """
    settings = run.config.correction
    static = three_d_var(run) if "static" in settings.evidence else None
    return CorrectedAnalysis(
        method, correction, run.operator_for, share, settings.acts, static, reach
    )


def untrained_network(config: Config, channels: int) -> CorrectionNetwork:
    """The network of [correction] before training, for states of so many channels."""
    settings = config.correction
    return CorrectionNetwork(
        channels * len(settings.evidence),
        channels * (2 if settings.scales_spread else 1),
        width=settings.width,
        depth=settings.depth,
        stride=settings.stride,
        increments=tuple(
            slice(number * channels, (number + 1) * channels)
            for number, kind in enumerate(settings.evidence)
            if kind in INCREMENTS
        ),
        rngs=nnx.Rngs(key_for(config.seed, Purpose.PARAMETERS, 2)),
    )


def blank_scaling(config: Config, rows: int, channels: int) -> EvidenceScaling:
    """Statistics that change nothing, of the right shapes."""
    inputs = channels * len(config.correction.evidence)
    whole = jnp.ones((2, rows, channels))
    return EvidenceScaling(jnp.zeros(inputs), jnp.ones(inputs), jnp.ones(channels), whole)


def untrained_correction(run: Run) -> AnalysisCorrection:
    """A correction that corrects nothing yet and sees all that there is to learn from."""
    rows, _, channels = run.layout.shape
    return _correction(
        run, untrained_network(run.config, channels), blank_scaling(run.config, rows, channels)
    )


def load_correction(run: Run, number: int) -> AnalysisCorrection:
    """The correction that acts after round `number`: the mean of those of the last rounds.

    What rounds start from counts as one of them.

    A network answers what the one before it has left, and takes as much too far: the errors of one
    round have the signs of the last one's turned. Their mean does not swing. The share of it that
    is believed is that of the last round, see `align_da.training.believed_share`.

    Raises:
        StorageError: it has not been trained, or its weights are damaged or of another shape.
    """
    taught = [taught_correction(run, averaged) for averaged in rounds_averaged(run.config, number)]
    graph, _ = nnx.split(taught[-1].network)
    parameters = [nnx.state(one.network) for one in taught]
    mean = jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *parameters)
    return replace(taught[-1], network=nnx.merge(graph, mean))


def taught_correction(run: Run, number: int) -> AnalysisCorrection:
    """The correction that round `number` has taught, which the next one goes on training.

    Raises:
        StorageError: it has not been trained, or its weights are damaged or of another shape.
    """
    rows, _, channels = run.layout.shape
    holder, name = run.folder, f"{CORRECTION}_{number}"
    if number == BEFORE_ROUNDS:
        holder, name = shipped_correction()
    folder = holder.weights(name)
    if not folder.exists():
        message = (
            f"expected the correction of analyses in {folder}, found none: run align-da data "
            f"closed_loop and align-da train correction with --set correction.round={number}"
        )
        raise StorageError(message)
    check_as_made(holder, folder)
    blank = partial(untrained_network, run.config, channels)
    graph, state = nnx.split(nnx.eval_shape(blank))
    template = {"network": state, "scaling": blank_scaling(run.config, rows, channels)}
    loaded = load_weights(folder, template)
    return _correction(run, nnx.merge(graph, loaded["network"]), loaded["scaling"])


def _correction(
    run: Run, network: CorrectionNetwork, scaling: EvidenceScaling
) -> AnalysisCorrection:
    settings = run.config.correction
    check_as_made(run.folder, run.folder.statistics)
    return AnalysisCorrection(
        network,
        scaling,
        read_normalisation(run.folder.statistics),
        settings.evidence,
        settings.scales_spread,
        run.truncation,
    )
