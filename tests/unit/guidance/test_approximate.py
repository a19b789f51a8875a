"""Which guidances say that they are right for few observations alone."""

import logging

import pytest

from align_da.config import GuidanceConfig, SamplerConfig
from align_da.guidance.approximate import tell_approximate
from align_da.registry import GUIDANCES
from align_da.runs.guidances import build_posterior_sampler

APPROXIMATE = {"dps": "DPS", "sda": "SDA", "repaint": "RePaint"}
OURS = [name for name in GUIDANCES.names if GUIDANCES.origin(name) is None]


@pytest.mark.parametrize("method", OURS)
def test_a_guidance_that_is_far_off_at_many_observations_says_so_once(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that tests/oracles/test_conformance_of_defaults.py holds to the posterior do not."""
    tell_approximate.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            build_posterior_sampler(GuidanceConfig(method=method), SamplerConfig())
    told = [record.getMessage() for record in caplog.records]
    expected = APPROXIMATE.get(method)
    assert len(told) == (expected is not None)
    assert all(text.startswith(f"{expected} is an approximation: right where") for text in told)
    assert all("take jfps" in text for text in told)
