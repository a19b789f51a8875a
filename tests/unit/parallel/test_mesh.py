"""Where batches and parameters lie; that training ends the same is in test_resume.py."""

import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

from align_da.errors import InputError
from align_da.parallel.mesh import device_mesh, shardings, split_batch


def test_kernels_are_split_along_their_outputs_and_the_rest_is_whole() -> None:
    tree = {"kernel": jnp.zeros((3, 3, 2, 4)), "bias": jnp.zeros(4), "step": jnp.zeros(())}
    found = shardings(tree, device_mesh())
    assert found["kernel"].spec == PartitionSpec(None, None, None, "tensor")
    assert found["bias"].spec == PartitionSpec()
    assert found["step"].spec == PartitionSpec()


def test_devices_that_make_no_groups_are_refused() -> None:
    with pytest.raises(InputError, match="divisor of 1"):
        device_mesh(tensor=2)


def test_batches_that_cannot_be_split_are_refused() -> None:
    mesh = device_mesh()
    with pytest.raises(InputError, match="multiple of"):
        split_batch(jnp.zeros(()), mesh)
