"""Systems are solved to their tolerance, whatever they are, and it is told where they are not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.guidance.krylov import Krylov

COUNT = 20
RANDOM = np.random.default_rng(0)
ERRORS = np.geomspace(0.01, 1.0, COUNT)
TANGENT = RANDOM.normal(size=(COUNT, 30)) / ERRORS[:, None]  # R over four orders of magnitude
RIGHT = TANGENT @ RANDOM.normal(size=30) + RANDOM.normal(size=COUNT)
SOLVER = Krylov(tolerance=0.05, iterations=50)


def solved(
    variance: float, solver: Krylov = SOLVER, tangent: np.ndarray = TANGENT
) -> tuple[np.ndarray, float, float]:
    """The solution of (I + c F Fᵀ) w = d, iterations and residual."""
    f = jnp.asarray(tangent, jnp.float32)
    weight, effort = jax.jit(
        lambda right: solver.solve(
            lambda w: w + variance * (f @ (f.T @ w)), right, jnp.int32(COUNT)
        )
    )(jnp.asarray(RIGHT, jnp.float32))
    return np.asarray(weight, np.float64), float(effort.iterations), float(effort.residual)


@pytest.mark.parametrize("variance", [1.0, 0.1, 1e-4])
def test_what_is_left_is_within_the_tolerance_whatever_the_noise_level(variance: float) -> None:
    weight, iterations, residual = solved(variance)
    left = RIGHT - weight - variance * TANGENT @ (TANGENT.T @ weight)
    assert np.sqrt(np.mean(left**2)) < 1.02 * SOLVER.tolerance
    assert residual <= 1
    assert iterations <= 2 * COUNT


def test_a_low_noise_level_takes_fewer_iterations() -> None:
    assert solved(1e-6)[1] < solved(1.0)[1] / 2


@pytest.mark.parametrize("tolerance", [1.0, 0.1])
def test_the_residual_bounds_the_error_in_posterior_standard_deviations(tolerance: float) -> None:
    """eᵀ P⁻¹ e ≤ |r|², with e the error of c Fᵀ w and P the covariance of the update."""
    weight, _, residual = solved(0.5, Krylov(tolerance, 50))
    exact = np.linalg.solve(np.eye(COUNT) + 0.5 * TANGENT @ TANGENT.T, RIGHT)
    error = 0.5 * TANGENT.T @ (weight - exact)
    precision = np.eye(30) / 0.5 + TANGENT.T @ TANGENT
    assert np.sqrt(error @ precision @ error / COUNT) < residual * tolerance + 1e-4  # rounding


def test_at_high_noise_less_is_asked_but_never_nothing() -> None:
    strict, low, high = (
        solved(1.0, SOLVER.at_noise(jnp.float32(sigma)))[1] for sigma in (0.0, 2.0, 1e3)
    )
    assert strict == solved(1.0)[1]
    assert strict > low > high >= 1


def test_a_system_that_is_left_unsolved_is_told() -> None:
    _, iterations, residual = solved(1.0, Krylov(0.05, 5))
    assert iterations == 5
    assert residual > 10


def test_a_matrix_need_not_be_symmetric() -> None:
    matrix = np.eye(COUNT) + 0.1 * RANDOM.normal(size=(COUNT, COUNT))
    weight, effort = Krylov(1e-5, 40).solve(
        lambda w: jnp.asarray(matrix, jnp.float32) @ w,
        jnp.asarray(RIGHT, jnp.float32),
        jnp.int32(COUNT),
        symmetric=False,
    )
    np.testing.assert_allclose(weight, np.linalg.solve(matrix, RIGHT), rtol=1e-3, atol=1e-3)
    assert effort.residual <= 1


def test_nothing_to_fit_takes_no_iteration() -> None:
    weight, effort = SOLVER.solve(lambda w: 2 * w, jnp.zeros(COUNT), jnp.int32(0))
    np.testing.assert_array_equal(weight, 0)
    assert (effort.iterations, effort.residual) == (0, 0)


def test_a_right_hand_side_that_no_precision_can_solve_to_the_tolerance_ends() -> None:
    weight, effort = SOLVER.solve(lambda w: 3 * w, jnp.full(COUNT, 1e8), jnp.int32(COUNT))
    np.testing.assert_allclose(weight, 1e8 / 3, rtol=1e-5)
    assert effort.residual <= 1


def test_derivatives_of_the_solution_are_those_of_the_exact_one() -> None:
    f = jnp.asarray(0.05 * TANGENT, jnp.float32)
    right = jnp.asarray(RIGHT, jnp.float32)

    def by_iterations(scale: jax.Array) -> jax.Array:
        found, _ = Krylov(1e-4, 60).solve(
            lambda w: w + scale * (f @ (f.T @ w)), right * scale, jnp.int32(COUNT)
        )
        return jnp.sum(jnp.sin(found))

    def exactly(scale: jax.Array) -> jax.Array:
        matrix = jnp.eye(COUNT) + scale * f @ f.T
        return jnp.sum(jnp.sin(jnp.linalg.solve(matrix, right * scale)))

    expected = jax.grad(exactly)(1.0)
    np.testing.assert_allclose(jax.grad(by_iterations)(1.0), expected, rtol=5e-3)
    tangent = jax.jvp(by_iterations, (1.0,), (1e-3,))[1]
    np.testing.assert_allclose(tangent, 1e-3 * expected, rtol=5e-3)


def test_a_slow_member_of_a_batch_changes_no_bit_of_the_others() -> None:
    f = jnp.asarray(TANGENT, jnp.float32)

    @jax.jit
    @jax.vmap
    def solve(variance: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
        weight, effort = SOLVER.solve(
            lambda w: w + variance * (f @ (f.T @ w)), right, jnp.int32(COUNT)
        )
        return weight, effort.iterations

    rights = jnp.asarray([RIGHT, RIGHT], jnp.float32)
    with_slow, iterations = solve(jnp.array([1e-4, 1.0]), rights)
    with_like, _ = solve(jnp.array([1e-4, 1e-4]), rights)
    assert iterations[0] < iterations[1]
    np.testing.assert_array_equal(with_slow[0], with_like[0])
