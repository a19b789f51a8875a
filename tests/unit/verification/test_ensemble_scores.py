import jax
import numpy as np
import pytest

from align_da.errors import InputError
from align_da.verification.ensemble_scores import (
    comparable_spread,
    ensemble_variance,
    fair_crps,
    flatness,
    rank_histogram,
)

KEY = jax.random.key(0)


def test_fair_crps_equals_its_definition_over_all_pairs() -> None:
    generator = np.random.default_rng(0)
    ensemble, truth = generator.normal(size=(6, 40)), generator.normal(size=40)
    pairs = np.abs(ensemble[:, None] - ensemble[None]).sum(axis=(0, 1)) / (6 * 5)
    expected = np.abs(ensemble - truth).mean(axis=0) - 0.5 * pairs
    np.testing.assert_allclose(fair_crps(ensemble, truth), expected, atol=1e-12)


@pytest.mark.parametrize("members", [2, 20])
def test_fair_crps_of_a_reliable_gaussian_does_not_depend_on_ensemble_size(members: int) -> None:
    generator = np.random.default_rng(members)
    ensemble, truth = generator.normal(size=(members, 200_000)), generator.normal(size=200_000)
    # Closed form: E|X - t| - E|X - X'| / 2 = 2/sqrt(pi) - 1/sqrt(pi).
    assert fair_crps(ensemble, truth).mean() == pytest.approx(1 / np.sqrt(np.pi), abs=5e-3)


def _centred(members: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Members whose mean is that of the distribution, and a truth from it."""
    generator = np.random.default_rng(seed)
    noise, truth = generator.normal(size=(members, 200_000)), generator.normal(size=200_000)
    return noise - noise.mean(axis=0), truth


@pytest.mark.parametrize("members", [2, 4, 20])
def test_centred_members_score_as_independent_draws_and_not_better(members: int) -> None:
    ensemble, truth = _centred(members)
    honest = 1 / np.sqrt(np.pi)
    assert fair_crps(ensemble, truth, centred=True).mean() == pytest.approx(honest, abs=5e-3)
    assert fair_crps(ensemble, truth).mean() < honest * (1 - 0.4 / members)  # what flatters


def test_the_spread_of_centred_members_is_the_error_of_their_mean() -> None:
    ensemble, truth = _centred(4)
    variance = ensemble_variance(ensemble)
    assert variance is not None
    error = np.sqrt(((ensemble.mean(axis=0) - truth) ** 2).mean())
    assert comparable_spread(float(variance.mean()), 4, centred=True) == pytest.approx(
        error, rel=0.01
    )


def test_one_member_has_the_absolute_error_as_crps_and_no_spread() -> None:
    member, truth = np.asarray([[1.0, -3.0]]), np.asarray([0.0, 1.0])
    for centred in (False, True):
        np.testing.assert_array_equal(fair_crps(member, truth, centred=centred), [1.0, 4.0])
    variance = ensemble_variance(member)
    assert variance is None
    with pytest.raises(InputError, match="at least 2 members"):
        comparable_spread(1.0, 1)


@pytest.mark.parametrize("members", [2, 5, 20])
def test_the_spread_of_a_reliable_ensemble_is_the_error_of_its_mean(members: int) -> None:
    generator = np.random.default_rng(members)
    ensemble, truth = generator.normal(size=(members, 100_000)), generator.normal(size=100_000)
    variance = ensemble_variance(ensemble)
    assert variance is not None
    error = ((ensemble.mean(axis=0) - truth) ** 2).mean()
    spread = comparable_spread(float(variance.mean()), members)
    assert spread / np.sqrt(error) == pytest.approx(1.0, abs=0.01)


def test_rank_histogram_of_a_reliable_ensemble_is_flat() -> None:
    draws = np.random.default_rng(5).normal(size=(9, 20_000))
    counts = rank_histogram(draws[1:], draws[0], KEY)
    assert counts.shape == (9,)
    assert flatness(counts).p_value > 0.01


def test_rank_histogram_of_too_little_spread_is_a_valley() -> None:
    draws = np.random.default_rng(5).normal(size=(9, 20_000))
    counts = rank_histogram(0.5 * draws[1:], draws[0], KEY)
    assert counts[0] > 2 * counts[4]
    assert counts[-1] > 2 * counts[4]
    assert flatness(counts).p_value < 1e-6


def test_ties_are_spread_over_the_ranks_and_repeat_with_the_key() -> None:
    dry = np.zeros((4, 10_000))
    counts = rank_histogram(dry, dry[0], KEY)
    np.testing.assert_allclose(counts / 10_000, 0.2, atol=0.02)
    np.testing.assert_array_equal(counts, rank_histogram(dry, dry[0], KEY))
    assert not np.array_equal(counts, rank_histogram(dry, dry[0], jax.random.key(1)))


def test_chi_square_has_its_closed_form() -> None:
    result = flatness(np.asarray([10, 20, 30]))
    assert result.statistic == pytest.approx(10.0)
    assert result.degrees_of_freedom == 2
    assert result.p_value == pytest.approx(np.exp(-5.0), rel=1e-5)  # closed form of two degrees


def test_a_histogram_without_counts_is_refused() -> None:
    with pytest.raises(InputError, match="with counts"):
        flatness(np.zeros(3, int))
