"""Which lead separates candidates."""

import numpy as np
import pytest

from align_da.alignment import separation_by_lead
from align_da.errors import InputError

SIGNAL, NOISE = (0.1, 0.5, 0.1), (0.2, 0.25, 0.4)


@pytest.fixture
def scores() -> np.ndarray:
    """Three leads, 200 cases, 16 candidates, 10 replicates with known variances."""
    generator = np.random.default_rng(0)
    leads = []
    for signal, noise in zip(SIGNAL, NOISE, strict=True):
        candidate = signal * generator.normal(size=(200, 16, 1))
        replicate = generator.normal(size=(200, 1, 10))
        leads.append(candidate + replicate + noise * generator.normal(size=(200, 16, 10)))
    return np.stack(leads)


def test_signal_and_noise_are_recovered(scores: np.ndarray) -> None:
    separation = separation_by_lead((12, 24, 48), scores)
    np.testing.assert_allclose(separation.spread, SIGNAL, rtol=0.1)
    expected = np.square(SIGNAL) / np.square(NOISE)
    np.testing.assert_allclose(separation.signal_to_noise, expected, rtol=0.2)


def test_the_best_lead_is_that_with_the_clearest_signal(scores: np.ndarray) -> None:
    separation = separation_by_lead((12, 24, 48), scores)
    assert separation.signal_to_noise.argmax() == 1
    assert separation.rank_stability.argmax() == 1
    assert (separation.rank_stability <= 1).all()


def test_noise_alone_has_no_signal_and_no_stable_ranks(scores: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(size=scores.shape)
    separation = separation_by_lead((12, 24, 48), noise)
    np.testing.assert_allclose(separation.signal_to_noise, 0.0, atol=0.01)
    np.testing.assert_allclose(separation.rank_stability, 0.0, atol=0.06)


def test_scores_without_noise_separate_perfectly() -> None:
    scores = np.broadcast_to(np.arange(4.0)[None, None, :, None], (1, 3, 4, 2))
    separation = separation_by_lead((24,), scores)
    assert np.isinf(separation.signal_to_noise[0])
    np.testing.assert_allclose(separation.rank_stability, 1.0)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 1, 5), (1, 3, 4, 1)])
def test_too_small_a_table_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="got shape"):
        separation_by_lead((24,), np.zeros(shape))


def test_a_failed_forecast_is_refused() -> None:
    with pytest.raises(InputError, match="drop the leads"):
        separation_by_lead((24,), np.full((1, 2, 3, 4), np.nan))
