"""The diffusion transformer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import DenoiserConfig
from align_da.diffusion.dit import _fields, _patches
from align_da.errors import InputError
from align_da.runs.denoisers import build_denoiser_network


def test_fields_are_the_inverse_of_patches() -> None:
    fields = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    patches = _patches(fields, 2)
    assert patches.shape == (2, 6, 12)
    np.testing.assert_array_equal(patches[0, 0].reshape(2, 2, 3), fields[0, :2, :2])
    np.testing.assert_array_equal(_fields(patches, fields.shape, 2), fields)


@pytest.mark.parametrize("change", [{"patch": 3}, {"heads": 5}])
def test_sizes_that_do_not_divide_are_refused(change: dict[str, int]) -> None:
    config = DenoiserConfig(kind="dit", width=16, **change)
    with pytest.raises(InputError, match="divide"):
        build_denoiser_network(config, (4, 8, 2), jax.random.key(0))


def test_network_starts_at_zero() -> None:
    config = DenoiserConfig(kind="dit", width=16)
    network = build_denoiser_network(config, (4, 8, 2), jax.random.key(0))
    assert jnp.all(network.exit.kernel[...] == 0)
