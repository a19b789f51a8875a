"""Gains of the parts of an analysis."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.alignment.gains import GainedAnalysis, Gains, zonal_bands
from align_da.assimilation.analysis_correction import (
    AnalysisCorrection,
    CorrectedAnalysis,
    EvidenceScaling,
)
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, Normalisation, State, periodic_line
from align_da.cycling.twin_experiment import observe_everything
from align_da.errors import InputError
from align_da.observations.batch import ObservationBatch
from align_da.observations.interpolation import interpolation_operator

LAYOUT = Layout(periodic_line(8), ("abstract_field",))
PLANNED = observe_everything(LAYOUT, variance=1.0, every=2)
OPERATOR = interpolation_operator(PLANNED, LAYOUT)
BACKGROUND = State(jax.random.normal(jax.random.key(0), (6, *LAYOUT.shape)), LAYOUT)
CLASSES = jnp.broadcast_to(jnp.arange(8)[None, :, None] % 2, LAYOUT.shape)
EDGES = (1, 3)
NEUTRAL = Gains.neutral(2, 3)


def bound(batch: ObservationBatch, layout: Layout) -> object:
    return OPERATOR


def waves(fields: jax.Array) -> jax.Array:
    """A network whose increments hold every wavenumber, and a factor on the spread."""
    increment = jnp.sin(fields[..., :1]) + 0.3
    return jnp.concatenate([increment, 0.5 * jnp.ones_like(increment)], axis=-1)


CORRECTION = AnalysisCorrection(
    jax.tree_util.Partial(waves),
    EvidenceScaling(jnp.zeros(1), jnp.ones(1), jnp.ones(1)),
    Normalisation(jnp.zeros(1), jnp.ones(1)),
    ("background",),
    scales_spread=True,
)
METHOD = CorrectedAnalysis(LETKF(bound, Localisation(2 * LAYOUT.grid.spacing)), CORRECTION, bound)


def run(method: object) -> tuple[np.ndarray, object]:
    analysis, report = method(BACKGROUND, PLANNED, 6.0, jax.random.key(1))
    return np.asarray(analysis.values), report


def gained(**changed: jax.Array) -> np.ndarray:
    return run(GainedAnalysis(METHOD, replace(NEUTRAL, **changed), CLASSES, EDGES))[0]


CORRECTED, REPORT = run(METHOD)
BEFORE = np.asarray(BACKGROUND.values).mean(axis=0)


def test_gains_of_one_are_the_method_itself() -> None:
    found, report = run(GainedAnalysis(METHOD, NEUTRAL, CLASSES, EDGES))
    np.testing.assert_allclose(found, CORRECTED, atol=1e-6)
    np.testing.assert_allclose(report.analysis_equivalent, REPORT.analysis_equivalent, atol=1e-6)
    np.testing.assert_array_equal(report.learned.estimate, REPORT.learned.estimate)


def test_without_an_update_and_a_correction_the_mean_is_that_of_the_background() -> None:
    found = gained(update=jnp.zeros(2), learned=jnp.zeros((3, 2)))
    np.testing.assert_allclose(found.mean(axis=0), BEFORE, atol=1e-6)


def test_a_gain_acts_on_the_numbers_of_its_class_alone() -> None:
    found = gained(learned=jnp.ones((3, 2)).at[:, 1].set(0.0))
    letkf = np.asarray(REPORT.learned.mean)
    np.testing.assert_allclose(found.mean(axis=0)[:, 1::2], letkf[:, 1::2], atol=1e-6)
    np.testing.assert_allclose(found[:, :, ::2], CORRECTED[:, :, ::2], atol=1e-6)


def test_a_gain_of_the_spread_leaves_the_mean_alone() -> None:
    found = gained(spread=jnp.asarray([2.0, 0.5]))
    np.testing.assert_allclose(found.mean(axis=0), CORRECTED.mean(axis=0), atol=1e-6)
    ratio = found.std(axis=0) / CORRECTED.std(axis=0)
    np.testing.assert_allclose(ratio[0, :, 0], [2, 0.5] * 4, rtol=1e-5)


def test_a_gain_of_the_first_band_acts_on_the_zonal_mean() -> None:
    found = gained(learned=jnp.ones((3, 2)).at[0].set(0.0))
    apart = CORRECTED.mean(axis=0) - found.mean(axis=0)
    moved = CORRECTED.mean(axis=0) - np.asarray(REPORT.learned.mean)
    np.testing.assert_allclose(apart, np.full_like(apart, moved.mean()), atol=1e-6)


@pytest.mark.parametrize("count", [8, 9])
@pytest.mark.parametrize("edges", [(), (1,), (1, 3), (2, 20)])
def test_bands_add_up_to_the_fields(count: int, edges: tuple[int, ...]) -> None:
    fields = jax.random.normal(jax.random.key(2), (3, count, 2))
    bands = zonal_bands(fields, edges)
    assert bands.shape == (len(edges) + 1, 3, count, 2)
    np.testing.assert_allclose(bands.sum(axis=0), fields, atol=1e-6)


def test_a_wave_is_in_the_band_of_its_wavenumber() -> None:
    wave = jnp.cos(3 * jnp.arange(16) * 2 * jnp.pi / 16)[None, :, None]
    bands = zonal_bands(wave, (3, 4))
    np.testing.assert_allclose(bands[1], wave, atol=1e-6)
    np.testing.assert_allclose(bands[jnp.asarray([0, 2])], 0.0, atol=1e-6)


@pytest.mark.parametrize("edges", [(0,), (3, 3), (4, 2)])
def test_edges_that_do_not_increase_are_refused(edges: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected increasing wavenumbers above 0"):
        GainedAnalysis(METHOD, NEUTRAL, CLASSES, edges)


def test_a_correction_before_the_analysis_is_refused() -> None:
    with pytest.raises(InputError, match="a correction after the analysis, got 'before'"):
        GainedAnalysis(replace(METHOD, acts="before"), NEUTRAL, CLASSES, EDGES)
