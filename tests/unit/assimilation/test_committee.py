"""Networks that answer together."""

import jax.numpy as jnp
import numpy as np
import pytest
from constant_network import SHAPE, Constant

from align_da.assimilation.committee import Committee


@pytest.mark.parametrize(("said", "expected"), [([[1.0]], 1.0), ([[1.0], [4.0], [-2.0]], 1.0)])
def test_a_committee_says_the_mean_of_what_its_networks_say(
    said: list[list[float]], expected: float
) -> None:
    committee = Committee(Constant(outputs) for outputs in said)
    found = committee(jnp.zeros((2, *SHAPE, 3)))
    np.testing.assert_allclose(found, np.full((2, *SHAPE, 1), expected))
