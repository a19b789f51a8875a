"""What a cycle tells of the errors of its analysis."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.assimilation.evidence import EVIDENCE, gather_evidence
from align_da.atmosphere import Layout, Normalisation, State, periodic_line
from align_da.cycling.twin_experiment import observe_everything
from align_da.errors import InputError
from align_da.observations.interpolation import interpolation_operator

LAYOUT = Layout(periodic_line(12), ("abstract_field",))
NORMAL = Normalisation(jnp.asarray([2.0]), jnp.asarray([4.0]))
PLANNED = observe_everything(LAYOUT, variance=0.25, every=3)
OPERATOR = interpolation_operator(PLANNED, LAYOUT)


def members(seed: int, spread: float) -> State:
    drawn = jax.random.normal(jax.random.key(seed), (5, *LAYOUT.shape))
    return State(3.0 + spread * drawn, LAYOUT)


BACKGROUND, ANALYSIS = members(0, 2.0), members(1, 0.5)


def field(kind: str) -> np.ndarray:
    found = gather_evidence((kind,), NORMAL, BACKGROUND, ANALYSIS, PLANNED, OPERATOR)
    return np.asarray(found)[0, :, 0]


def test_means_and_their_change_are_in_standard_deviations_of_the_states() -> None:
    mean = np.asarray(BACKGROUND.values).mean(axis=0)[0, :, 0]
    change = np.asarray(ANALYSIS.values).mean(axis=0)[0, :, 0] - mean
    np.testing.assert_allclose(field("background"), (mean - 2) / 4, rtol=1e-5)
    np.testing.assert_allclose(field("increment"), change / 4, rtol=1e-4)


def test_spread_is_a_logarithm_and_its_reduction_a_difference_of_two() -> None:
    before, after = (
        np.asarray(x.values).std(axis=0, ddof=1)[0, :, 0] for x in (BACKGROUND, ANALYSIS)
    )
    np.testing.assert_allclose(field("spread"), np.log(before / 4), rtol=1e-4)
    np.testing.assert_allclose(field("reduction"), np.log(after / before), rtol=1e-4)


def test_the_gradient_is_the_innovation_over_the_error_variance_where_it_was_observed() -> None:
    innovation = 0.0 - np.asarray(BACKGROUND.values).mean(axis=0)[0, :, 0]
    expected = np.zeros(12)
    expected[::3] = 4.0 * innovation[::3] / 0.25
    np.testing.assert_allclose(field("gradient"), expected, rtol=1e-4, atol=1e-4)


def test_an_observation_that_is_not_used_is_no_evidence() -> None:
    unused = replace(PLANNED, value=PLANNED.value + jnp.nan, flag=jnp.full(4, 5))
    found = gather_evidence(("gradient",), NORMAL, BACKGROUND, ANALYSIS, unused, OPERATOR)
    np.testing.assert_array_equal(found, np.zeros((1, 12, 1)))


def test_members_that_agree_have_a_finite_logarithm() -> None:
    still = State(jnp.ones((3, *LAYOUT.shape)), LAYOUT)
    found = gather_evidence(("spread", "reduction"), NORMAL, still, still, PLANNED, OPERATOR)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("kinds", [(), ("wind",)])
def test_kinds_that_do_not_exist_are_named(kinds: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=", ".join(EVIDENCE)):
        gather_evidence(kinds, NORMAL, BACKGROUND, ANALYSIS, PLANNED, OPERATOR)


def test_static_evidence_is_an_increment_in_standard_deviations() -> None:
    increment = jnp.full(LAYOUT.shape, 2.0)
    found = gather_evidence(
        ("static",), NORMAL, BACKGROUND, ANALYSIS, PLANNED, OPERATOR, increment
    )
    np.testing.assert_allclose(found, 0.5)


def test_static_evidence_without_an_increment_is_refused() -> None:
    with pytest.raises(InputError, match="increment of a method with static errors"):
        field("static")
