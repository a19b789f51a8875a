"""What a configuration gives that names a method and nothing else, against the Kalman posterior.

The cases of `experiments/conformance/defaults.py` with fewer draws: observations few and many, of
equal errors, of errors over two orders of magnitude, and of correlated ones. Errors are in
posterior standard deviations of each point; 256 draws have 0.06 of sampling in the mean and 0.03
in the spread.
"""

import pytest

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.linear_gaussian import (
    Conformance,
    LinearGaussianCase,
    compare_with_kalman,
    scattered,
)

CASES = {
    "3 %": scattered(0.03, 0.1, 0.1),
    "60 %": scattered(0.6, 0.1, 0.1),
    "60 %, ill-conditioned": scattered(0.6, 0.01, 1.0),
    "60 %, correlated": scattered(0.6, 0.1, 0.1, length=3.0),
    "60 %, ill-conditioned and correlated": scattered(0.6, 0.01, 1.0, length=3.0),
}


def compare(
    guidance: GuidanceConfig, sampler: SamplerConfig, case: LinearGaussianCase, draws: int = 256
) -> Conformance:
    return compare_with_kalman(
        build_posterior_sampler(guidance, sampler),
        case,
        seeds=(0,),
        draws=draws,
        control_variable=True,
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", ["jfps", "mmps"])
def test_the_default_of_an_exact_guidance_is_the_posterior(method: str, case: str) -> None:
    found = compare(GuidanceConfig(method=method), SamplerConfig(), CASES[case])
    assert found.standardised_error < 0.15
    assert 0.9 < found.standardised_spread < 1.12


@pytest.mark.parametrize("kind", ["heun", "stochastic"])
def test_the_default_of_every_sampler_is_near_the_posterior(kind: str) -> None:
    case = CASES["60 %, ill-conditioned and correlated"]
    found = compare(GuidanceConfig(), SamplerConfig(kind=kind), case)
    assert found.standardised_error < 0.15
    assert 0.85 < found.standardised_spread < 1.15


def test_the_default_of_split_gibbs_is_near_the_posterior() -> None:
    """The draw of the other variable would be 1.26 times too wide."""
    case = CASES["60 %, ill-conditioned and correlated"]
    found = compare(GuidanceConfig(method="split_gibbs"), SamplerConfig(), case, draws=128)
    assert found.standardised_error < 0.25
    assert 0.9 < found.standardised_spread < 1.18


def test_five_iterations_are_far_from_an_ill_conditioned_posterior() -> None:
    """As the default was: 1.4 standard deviations off, twice too wide. The bounds see it."""
    few = GuidanceConfig(iterations=5)
    found = compare(few, SamplerConfig(), CASES["60 %, ill-conditioned and correlated"])
    assert found.standardised_error > 0.7
    assert found.standardised_spread > 1.5
