"""Cost of stores, checkpoints, statistics and verification: what is not a compiled program."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr

from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import estimate_scaling
from align_da.storage.analysis_store import write_cycle
from align_da.storage.checkpoints import newest_whole, save_step
from align_da.storage.verification import verify_store
from align_da.verification.cost import Cost, measured
from align_da.verification.ensemble_scores import ensemble_variance, fair_crps
from align_da.verification.scores import root_mean_square_error
from data_pipelines.moments import moments_of
from data_pipelines.template import write_template
from experiments.costs.costs import cost_of_call, shared
from experiments.costs.sizes import Size
from experiments.costs.small_store import new_store, noise_states, record_with, template_of

BLOCK = 8  # states reduced at once
PAIRS = 64
STRIDE = 4


def store(size: Size, repeat: int) -> dict[str, Cost]:
    """A cycle written (checked, compressed, flushed, read back), and verified again."""
    template = template_of(size.layout, size.members, size.observations, 1 + repeat)
    states = noise_states(size.layout, size.members)
    record = record_with(states, states, template)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cycles.zarr"
        opened = [new_store(path, template)]
        written = cost_of_call(lambda: opened.append(write_cycle(opened[-1], record)), repeat)
        verified = cost_of_call(lambda: verify_store(path), repeat)
    return {"store, write": written, "store, verify": shared(verified, 1 + repeat)}


def statistics(size: Size, repeat: int) -> dict[str, Cost]:
    """Moments of a block of states, a state."""
    block = np.asarray(noise_states(size.layout, BLOCK).values)
    weights = size.layout.grid.area_weights
    moments = cost_of_call(lambda: moments_of(block, weights), repeat)
    return {"statistics of a state": shared(moments, BLOCK)}


def verification(size: Size, repeat: int) -> dict[str, Cost]:
    """Error of the mean, spread and fair CRPS of an ensemble."""
    layout = size.layout
    ensemble, truth = (
        np.asarray(noise_states(layout, count).values) for count in (size.members, 1)
    )

    def verify() -> None:
        root_mean_square_error(ensemble.mean(axis=0), truth[0], layout.grid)
        fair_crps(ensemble, truth[0])
        ensemble_variance(ensemble)

    return {"verification": cost_of_call(verify, repeat)}


def checkpoint(size: Size, repeat: int) -> dict[str, Cost]:
    """A checkpoint of so many numbers saved and read."""
    arrays = np.random.default_rng(0).normal(size=(8, size.parameters // 8)).astype(np.float32)
    tree = dict(enumerate(arrays))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        return {
            "checkpoint, save": cost_of_call(lambda: save_step(place, 1, tree, {}), repeat),
            "checkpoint, read": cost_of_call(lambda: newest_whole(place, tree), repeat),
        }


def template(size: Size, repeat: int) -> dict[str, Cost]:
    """An empty store of so many times, a chunk a time and variable: a graph of dask."""
    times = np.datetime64("1979-01-01", "ns") + np.arange(size.times) * np.timedelta64(6, "h")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "truth.zarr"

        def make() -> None:
            write_template(path, size.layout, {"time": times}, 1, xr.Dataset())

        return {"store, make": cost_of_call(make, repeat)}


def correlation(size: Size, repeat: int) -> dict[str, Cost]:
    """The static correlation estimated of latent pairs; once, for it is slow."""
    rows, columns, channels = size.layout.shape
    random = np.random.default_rng(0)
    shape = (PAIRS, rows // STRIDE, columns // STRIDE, channels)
    truth, background = random.normal(size=(2, *shape)).astype(np.float32)
    rank = CorrelationRank(modes=20, radius=8e6)
    costs = [
        measured(lambda: estimate_scaling({48: (truth, background)}, rank))[1]
        for _ in range(min(repeat, 1))
    ]
    return {"correlation, estimated": costs[-1]}
