"""The mean and the spread of an analysis, corrected by what a network has learned."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from align_da.assimilation.analysis_correction import (
    AnalysisCorrection,
    CorrectedAnalysis,
    EvidenceScaling,
    spread_factor,
)
from align_da.assimilation.correction_network import CorrectionNetwork
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, Normalisation, State, periodic_line
from align_da.cycling.twin_experiment import observe_everything
from align_da.errors import InputError
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.interpolation import interpolation_operator

LAYOUT = Layout(periodic_line(8), ("abstract_field",))
NORMAL = Normalisation(jnp.asarray([1.0]), jnp.asarray([2.0]))
PLANNED = observe_everything(LAYOUT, variance=1.0, every=2)
OPERATOR = interpolation_operator(PLANNED, LAYOUT)
SCALING = EvidenceScaling(jnp.zeros(2), jnp.ones(2), jnp.asarray([0.5]))
KINDS = ("background", "spread")
BACKGROUND = State(1.0 + jax.random.normal(jax.random.key(0), (6, *LAYOUT.shape)), LAYOUT)


def bound(batch: ObservationBatch, layout: Layout) -> object:
    return OPERATOR


LETKF_HERE = LETKF(bound, Localisation(3 * LAYOUT.grid.spacing))


def constant(value: float) -> object:
    """A network that says the same everywhere, of both outputs."""
    return jax.tree_util.Partial(
        lambda out, fields: jnp.broadcast_to(out, (*fields.shape[:3], 2)), jnp.asarray(value)
    )


def corrected(network: object, **changed: object) -> CorrectedAnalysis:
    correction = AnalysisCorrection(network, SCALING, NORMAL, KINDS, scales_spread=True)
    return replace(CorrectedAnalysis(LETKF_HERE, correction, bound), **changed)


def run(method: object) -> tuple[np.ndarray, object]:
    analysis, report = method(BACKGROUND, PLANNED, 6.0, jax.random.key(1))
    return np.asarray(analysis.values), report


BASE, _ = run(LETKF_HERE)


def test_an_untrained_network_changes_nothing() -> None:
    network = CorrectionNetwork(2, 2, width=4, depth=1, rngs=nnx.Rngs(0))
    found, report = run(corrected(network))
    np.testing.assert_allclose(found, BASE, rtol=1e-6)
    np.testing.assert_array_equal(report.learned.estimate, 0)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_mean_is_moved_by_the_share_and_the_spread_by_its_power(share: float) -> None:
    """The network says 0.7 of 0.5 of 2 K, and a factor of its own on the spread."""
    found, report = run(corrected(constant(0.7), share=share))
    np.testing.assert_allclose(
        found.mean(axis=0), BASE.mean(axis=0) + share * 0.7 * 0.5 * 2.0, rtol=1e-5
    )
    factor = float(spread_factor(jnp.asarray(0.7))) ** share
    np.testing.assert_allclose(found.std(axis=0), factor * BASE.std(axis=0), rtol=1e-4)
    assert float(report.learned.share) == pytest.approx(share, abs=1e-6)


def test_within_its_reach_a_correction_acts_in_full_and_far_away_not_at_all() -> None:
    """Of the observations of every second point one is used, the first."""
    flags = jnp.where(jnp.arange(4) == 0, PLANNED.flag, int(Flag.MISSING))
    one = replace(PLANNED, flag=flags)
    base, _ = LETKF_HERE(BACKGROUND, one, 6.0, jax.random.key(1))
    reach = 1.2 * LAYOUT.grid.spacing
    method = corrected(constant(0.7), reach=reach)
    found, report = method(BACKGROUND, one, 6.0, jax.random.key(1))
    moved = np.asarray(found.values.mean(axis=0) - base.values.mean(axis=0)).ravel() / (
        0.7 * 0.5 * 2
    )
    np.testing.assert_allclose(moved[[7, 0, 1]], 1.0, rtol=1e-4)
    assert 0.01 < moved[2] < 0.99
    np.testing.assert_allclose(moved[2], moved[6], rtol=1e-3)
    np.testing.assert_allclose(moved[3:6], 0.0, atol=1e-6)
    assert float(report.learned.share) == pytest.approx(moved.mean(), rel=1e-3)
    wider = found.values.std(axis=0) / base.values.std(axis=0)
    factor = float(spread_factor(jnp.asarray(0.7)))
    np.testing.assert_allclose(np.asarray(wider).ravel(), factor**moved, rtol=1e-3)


def test_without_an_observation_a_correction_with_a_reach_does_nothing() -> None:
    none = replace(PLANNED, flag=jnp.full_like(PLANNED.flag, int(Flag.MISSING)))
    base, _ = LETKF_HERE(BACKGROUND, none, 6.0, jax.random.key(1))
    found, _ = corrected(constant(0.7), reach=1e6)(BACKGROUND, none, 6.0, jax.random.key(1))
    np.testing.assert_allclose(found.values, base.values, rtol=1e-6)


def test_a_single_member_has_no_spread_to_look_at() -> None:
    single = replace(BACKGROUND, values=BACKGROUND.values[:1])
    with pytest.raises(InputError, match="at least two members for a learned correction"):
        corrected(constant(0.7))(single, PLANNED, 6.0, jax.random.key(1))


def test_what_is_believed_moves_the_mean_and_the_report_is_of_all_that_the_network_says() -> None:
    careful = replace(SCALING, share=jnp.full((2, 1, 1), 0.25))
    method = corrected(constant(0.7))
    found, report = run(replace(method, correction=replace(method.correction, scaling=careful)))
    np.testing.assert_allclose(
        found.mean(axis=0), BASE.mean(axis=0) + 0.25 * 0.7 * 0.5 * 2.0, rtol=1e-5
    )
    np.testing.assert_allclose(report.learned.estimate, 0.7 * 0.5 * 2.0, rtol=1e-5)
    assert float(report.learned.share) == pytest.approx(0.25, abs=1e-6)


def test_zonal_means_are_believed_by_a_share_of_their_own() -> None:
    scaling = replace(SCALING, share=jnp.asarray([0.2, 0.9])[:, None, None])
    estimate = jax.random.normal(jax.random.key(3), LAYOUT.shape)
    zonal = np.asarray(estimate).mean(axis=1, keepdims=True)
    expected = 0.2 * zonal + 0.9 * (np.asarray(estimate) - zonal)
    np.testing.assert_allclose(scaling.believed(estimate), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(SCALING.believed(estimate), estimate)


def test_without_the_second_output_the_spread_stays() -> None:
    correction = AnalysisCorrection(constant(0.7), SCALING, NORMAL, KINDS)
    found, _ = run(CorrectedAnalysis(LETKF_HERE, correction, bound))
    np.testing.assert_allclose(found.std(axis=0), BASE.std(axis=0), rtol=1e-4)


def test_before_the_analysis_it_moves_the_background() -> None:
    found, report = run(corrected(constant(0.7), acts="before"))
    moved, _ = corrected(constant(0.7)).correction.applied_to(
        BACKGROUND, jnp.zeros((1, 8, 2)), 1.0, OPERATOR
    )
    expected, _ = LETKF_HERE(moved, PLANNED, 6.0, jax.random.key(1))
    np.testing.assert_allclose(found, expected.values, rtol=1e-5)
    np.testing.assert_allclose(report.learned.mean, BACKGROUND.values.mean(axis=0))


def test_the_report_is_of_the_corrected_analysis_and_holds_what_was_corrected() -> None:
    found, report = run(corrected(constant(0.7)))
    np.testing.assert_allclose(
        report.analysis_equivalent,
        OPERATOR(State(jnp.asarray(found), LAYOUT)).mean(axis=0),
        rtol=1e-5,
    )
    np.testing.assert_allclose(report.learned.mean, BASE.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(report.learned.spread, BASE.std(axis=0, ddof=1), rtol=1e-5)
    equivalents = np.asarray(OPERATOR(State(jnp.asarray(BASE), LAYOUT)))
    np.testing.assert_allclose(report.learned.equivalent, equivalents.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        report.learned.equivalent_spread, equivalents.std(axis=0, ddof=1), rtol=1e-4
    )


def test_a_factor_on_the_spread_is_bounded() -> None:
    low, high = (float(spread_factor(jnp.asarray(end))) for end in (-1e9, 1e9))
    assert 0.7 < low < 1 < high < 1.3


def test_a_spread_that_is_wider_than_the_climate_is_narrowed_to_it() -> None:
    """At every second point it is ten times that of the climate, which is 2 K."""
    correction = AnalysisCorrection(constant(0.0), SCALING, NORMAL, KINDS, scales_spread=True)
    spread = np.where(np.arange(8) % 2, 20.0, 0.5)[None, :, None]
    unit = BACKGROUND.values - BACKGROUND.values.mean(axis=0)
    ensemble = State(1.0 + spread * unit / unit.std(axis=0, ddof=1), LAYOUT)
    evidence = jnp.zeros((*LAYOUT.shape[:2], len(KINDS)))
    found, _ = correction.applied_to(ensemble, evidence, 1.0, OPERATOR)
    np.testing.assert_allclose(found.values.mean(axis=0), 1.0, rtol=1e-4)
    expected = np.minimum(spread, 2.0)
    np.testing.assert_allclose(found.values.std(axis=0, ddof=1), expected, rtol=1e-5)


def test_patches_come_back_to_their_places() -> None:
    """With a stride the network is equivariant to shifts by it, and only by it."""
    network = CorrectionNetwork(1, 1, width=8, depth=1, stride=2, rngs=nnx.Rngs(0))
    network.exit.convolution.kernel[...] = jax.random.normal(
        jax.random.key(2), network.exit.convolution.kernel.shape
    )
    fields = jax.random.normal(jax.random.key(3), (1, 4, 8, 1))
    shifted = network(jnp.roll(fields, 2, axis=2))
    np.testing.assert_allclose(shifted, jnp.roll(network(fields), 2, axis=2), rtol=1e-4, atol=1e-5)
    assert not np.allclose(
        network(jnp.roll(fields, 1, axis=2)), jnp.roll(network(fields), 1, axis=2)
    )


def test_a_stride_that_does_not_divide_the_grid_is_refused() -> None:
    network = CorrectionNetwork(1, 1, width=8, depth=1, stride=3, rngs=nnx.Rngs(0))
    with pytest.raises(InputError, match="divides the grid of 4 x 8, got 3"):
        network(jnp.zeros((1, 4, 8, 1)))


def test_of_an_increment_that_it_sees_it_takes_the_share_that_it_has_learned() -> None:
    """0.25 of the first and 0.5 of the second, of the fields that are increments alone."""
    increments = (slice(1, 2), slice(2, 3))
    network = CorrectionNetwork(
        3, 2, width=4, depth=1, stride=2, increments=increments, rngs=nnx.Rngs(0)
    )
    network.start_from(jnp.asarray([[0.25], [0.5]]))
    evidence = jax.random.normal(jax.random.key(4), (1, 4, 8, 3))
    expected = 0.25 * evidence[..., 1] + 0.5 * evidence[..., 2]
    found = network(evidence)
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-5)
    np.testing.assert_array_equal(found[..., 1], 0)
