"""The network of a world that all rows and all their trainings start from, made once and kept."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from align_da.assimilation.analysis_correction import CorrectedAnalysis
from align_da.storage.verified_arrays import read_arrays, write_arrays
from experiments.closed_loop.learning import Recipe, learned, untrained
from experiments.closed_loop.worlds import World

RECIPE = Recipe(scales_spread=True)  # "own cycles, spread too"
_SEED = 0
_Trained = Callable[[World, Recipe, int], CorrectedAnalysis]


def start_of(
    world: World, name: str, folder: Path, train: _Trained = learned
) -> CorrectedAnalysis:
    """The corrected filter of a world; read where it is kept, and else trained and kept.

    Args:
        world: a truth, a model, observations and a filter.
        name: of the world, for its file.
        folder: of what is kept.
        train: gives a network where none is kept.

    Raises:
        StorageError: what is kept is damaged, or cannot be written.
    """
    path = folder / name
    if path.is_dir():
        structure = jax.tree.structure(untrained(world, RECIPE, _SEED))
        arrays, _ = read_arrays(path)
        leaves = [jnp.asarray(arrays[place]) for place in sorted(arrays)]
        kept: CorrectedAnalysis = jax.tree.unflatten(structure, leaves)
        return kept
    method = train(world, RECIPE, _SEED)
    arrays = {
        f"{place:03d}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(method))
    }
    write_arrays(path, arrays, {"world": name, "seed": _SEED})
    return method
