"""Statistics of the training period, as `data_pipelines.statistics` writes them."""

from pathlib import Path

import jax.numpy as jnp

from align_da.atmosphere import Normalisation
from align_da.storage.datasets import read_dataset


def read_normalisation(path: Path) -> Normalisation:
    """Mean and standard deviation of every channel, SI units.

    Raises:
        StorageError: there are no statistics at `path`.
    """
    dataset = read_dataset(path)
    mean, std = (jnp.asarray(dataset[name].to_numpy(), jnp.float32) for name in ("mean", "std"))
    return Normalisation(mean, std)
