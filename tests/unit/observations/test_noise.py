"""Observation noise has the moments and the form that its name says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from align_da.errors import InputError
from align_da.observations.noise import NOISES, log_normal, noise_of, student_t

DRAWS = 400_000
# Skewness and excess kurtosis of the distributions, from scipy.stats.
FORMS = {
    "gaussian": scipy.stats.norm(),
    "laplace": scipy.stats.laplace(),
    "student_t": scipy.stats.t(5),
    "log_normal": scipy.stats.lognorm(0.5),
}


@pytest.fixture(params=NOISES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def drawn(name: str) -> np.ndarray:
    return np.asarray(noise_of(name)(jax.random.key(1), (DRAWS,), jnp.float32), np.float64)


def test_its_mean_is_zero_and_its_variance_one(name: str) -> None:
    draws = drawn(name)
    assert draws.mean() == pytest.approx(0.0, abs=5 / DRAWS**0.5)
    # The variance of a sample variance is (kurtosis − 1) / n.
    kurtosis = float(FORMS[name].stats("k")) + 3
    assert draws.var() == pytest.approx(1.0, abs=5 * ((kurtosis - 1) / DRAWS) ** 0.5)


def test_its_quantiles_are_those_of_the_distribution(name: str) -> None:
    levels = np.asarray([0.001, 0.05, 0.5, 0.95, 0.999])
    form = FORMS[name]
    expected = (form.ppf(levels) - form.mean()) / form.std()
    np.testing.assert_allclose(np.quantile(drawn(name), levels), expected, atol=0.12, rtol=0.03)


def test_the_type_and_the_shape_are_those_asked_for(name: str) -> None:
    draws = noise_of(name)(jax.random.key(0), (2, 3), jnp.float32)
    assert (draws.shape, draws.dtype) == ((2, 3), jnp.float32)


def test_gaussian_noise_is_bit_for_bit_what_it_always_was() -> None:
    key = jax.random.key(3)
    expected = jax.random.normal(key, (5,), jnp.float32)
    np.testing.assert_array_equal(noise_of("gaussian")(key, (5,), jnp.float32), expected)


def test_a_function_is_taken_as_it_is_and_a_strange_name_refused() -> None:
    own = student_t(4.0)
    assert noise_of(own) is own
    with pytest.raises(InputError, match=r"among gaussian, laplace, .* got 'cauchy'"):
        noise_of("cauchy")


def test_a_distribution_without_variance_is_refused() -> None:
    with pytest.raises(InputError, match="more than 2 degrees"):
        student_t(2.0)
    with pytest.raises(InputError, match="positive width"):
        log_normal(0.0)
