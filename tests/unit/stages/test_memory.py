"""What a stage holds in memory does not grow with what it works on."""

from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from forked_processes import fork_server
from memory_limit import ends_well, leave
from persistence import Persistence

from align_da.atmosphere import Grid, Layout, Normalisation, State, VerticalCoordinate
from align_da.atmosphere.dataset import dataset_from_values
from align_da.autoencoder.identity import IdentityAutoencoder
from align_da.autoencoder.latent_space import LatentSpace
from align_da.config import VerificationConfig
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_scaling import estimate_scaling
from align_da.runs.background_latents import encode_backgrounds
from align_da.stages import score_runs
from align_da.stages.train_autoencoder import _batches, _standardised_pairs
from align_da.storage.background_pairs import BackgroundPairs
from align_da.storage.mapped_arrays import mapped_array
from align_da.storage.run_folder import RunFolder

LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-85, 85, 32).tolist()),
        tuple(np.linspace(0, 354.375, 64).tolist()),
        VerticalCoordinate("sigma", tuple(np.linspace(0.1, 0.9, 10).tolist())),
    ),
    ("temperature", "specific_humidity"),
)
STATE = 32 * 64 * 20 * 4
"""Bytes of a state."""
SURFACE = Layout(LAYOUT.grid, ("surface_pressure",))
"""A twentieth of it, so that covariances between its rows are small."""


@pytest.fixture(scope="module")
def children() -> ForkServerContext:
    return fork_server()


@dataclass(frozen=True)
class ConstantPairs(BackgroundPairs):
    """Truths of ones and backgrounds of twos, at two leads."""

    count: int = 1

    @property
    def lead_hours(self) -> tuple[int, ...]:
        return 24, 48

    @property
    def starts(self) -> np.ndarray:
        return np.arange(self.count).astype("datetime64[ns]")

    def read(self, lead_hours: int, starts: slice = slice(None)) -> tuple[State, State]:
        chosen = len(range(*starts.indices(self.count)))
        ones = np.ones((chosen, *self.layout.shape), np.float32)
        return tuple(State(jnp.asarray(n * ones), self.layout) for n in (1, 2))


def pairs_within(folder: Path, size: int, count: int) -> None:
    """Make a batch of `count` starts with `size` bytes of memory."""
    nothing: Any = None
    pairs = ConstantPairs(nothing, nothing, LAYOUT, count)
    run: Any = SimpleNamespace(pairs=lambda _: pairs, folder=RunFolder(folder), layout=LAYOUT)
    normalisation = Normalisation(jnp.zeros(20), jnp.ones(20))
    few = ConstantPairs(nothing, nothing, LAYOUT)
    normalisation.normalise(few.read(24)[0])  # what is compiled takes memory too
    leave(size)
    found = _standardised_pairs(run, "train", normalisation)
    assert len(found[0]) == 2 * count
    batch = _batches(*found)(np.array([0, 2 * count - 1]))
    np.testing.assert_array_equal(batch.truth, np.ones((2, *LAYOUT.shape)))
    np.testing.assert_array_equal(batch.background, np.full((2, *LAYOUT.shape), 2.0))


def covariance_within(folder: Path, size: int, count: int) -> None:
    """Estimate the scaling of `count` starts with `size` bytes of memory."""
    nothing: Any = None
    space = LatentSpace(
        IdentityAutoencoder(SURFACE.shape), Normalisation(jnp.zeros(1), jnp.ones(1))
    )
    rank = CorrelationRank(modes=1, radius=2e6)
    few = encode_backgrounds(space, [ConstantPairs(nothing, nothing, SURFACE)], folder)
    estimate_scaling(few.by_lead(), rank)  # what is compiled takes memory too
    leave(size)
    pairs = encode_backgrounds(space, [ConstantPairs(nothing, nothing, SURFACE, count)], folder)
    scaling = estimate_scaling(pairs.by_lead(), rank)
    assert scaling.lead_hours.tolist() == [24, 48]
    np.testing.assert_array_equal(scaling.state_mean, [2.0])


def forecasts_within(folder: Path, size: int, dates: int, members: int) -> None:
    """Make forecasts of two leads from `dates` analyses with `size` bytes of memory."""
    times = np.datetime64("2000-01-01", "ns") + np.timedelta64(6, "h") * np.arange(dates)
    values = mapped_array(folder, (dates, members, *LAYOUT.shape))
    values[:] = np.arange(dates)[:, None, None, None, None]
    leading = {"time": times, "realization": np.arange(members)}
    settings = VerificationConfig(forecast_lead_hours=(6, 12), forecast_every=1)
    run: Any = SimpleNamespace(
        config=SimpleNamespace(verification=settings),
        folder=RunFolder(folder),
        layout=LAYOUT,
        last_time=times[-1] + np.timedelta64(1, "D"),
    )
    score_runs.configured_forecast_model = lambda _: Persistence(LAYOUT)
    leave(size)
    found = score_runs._forecasts(run, dataset_from_values(values, LAYOUT, leading), "main")
    assert list(found) == ["forecast 6 h", "forecast 12 h"]
    for forecast in found.values():
        of_last = forecast["temperature"].isel(time=-1).values
        np.testing.assert_array_equal(of_last, np.full_like(of_last, dates - 1))


def test_the_pairs_of_a_training_are_not_held_in_memory(
    children: ForkServerContext, tmp_path: Path
) -> None:
    """With 250 MB, the blocks that are read at a time and what is compiled among them."""
    count = 800
    assert 4 * count * STATE > 500e6
    ends_well(children, pairs_within, tmp_path, 250_000_000, count)


def test_the_pairs_of_a_covariance_are_not_held_in_memory(
    children: ForkServerContext, tmp_path: Path
) -> None:
    count = 20 * 800
    assert 4 * count * STATE / 20 > 500e6
    ends_well(children, covariance_within, tmp_path, 250_000_000, count)


def test_the_forecasts_of_a_verification_are_not_held_in_memory(
    children: ForkServerContext, tmp_path: Path
) -> None:
    """With 250 MB, what is compiled among them; the analyses are twice as much alone."""
    dates, members = 400, 8
    assert dates * members * STATE > 500e6
    ends_well(children, forecasts_within, tmp_path, 250_000_000, dates, members)
