"""What stores and arrays weigh, from their shapes and from what a small store weighs."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from align_da.atmosphere import Layout
from align_da.storage.analysis_store import write_cycle
from align_da.storage.store_files import ledger_path
from experiments.costs.assumptions import Target
from experiments.costs.small_store import new_store, noise_states, record_with, template_of

FLOAT, COMPLEX = 4, 8  # bytes
_OF_TRAINING = 5 * FLOAT  # parameters, their average, the best ones, two moments


@dataclass(frozen=True)
class CycleWeight:
    """What a cycle adds to its store.

    Attributes:
        memory: bytes of its arrays.
        disk: bytes of its files.
        files: their number, a chunk an array.
        largest_file: bytes of the largest array.
        ledger: bytes of its line.
    """

    memory: int
    disk: float
    files: int
    largest_file: int
    ledger: int


def cycle_weight(
    layout: Layout, members: int, observations: int, compression: float
) -> CycleWeight:
    """A cycle of any size; the number of files and the line depend on the variables alone.

    Args:
        layout: of the states.
        members: of the ensemble.
        observations: of a cycle.
        compression: bytes in memory over bytes on disk.
    """
    template = template_of(layout, members, observations, 1)
    rows, columns, _ = layout.shape
    arrays = 3 * len(layout.variables) + len(template.observation_fields)
    return CycleWeight(
        template.bytes_per_cycle,
        template.bytes_per_cycle / compression,
        arrays + len(template.scalar_fields),
        FLOAT * members * layout.grid.level_count * rows * columns,
        ledger_line(layout),
    )


def ledger_line(layout: Layout) -> int:
    """Bytes of a line in the ledger of a store with the variables of `layout`, on four columns."""
    grid = layout.grid
    tiny = Layout(type(grid)((-45.0, 45.0), (0.0, 180.0), grid.vertical), layout.variables)
    template = template_of(tiny, 1, 1, 1)
    states = noise_states(tiny, 1)
    with TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "cycles.zarr", template)
        before = ledger_path(store.path).stat().st_size
        write_cycle(store, record_with(states, states, template))
        return ledger_path(store.path).stat().st_size - before


def latent_bytes(target: Target) -> int:
    """One latent of float32."""
    settings = target.config.autoencoder
    points = (target.rows // settings.stride) * (target.columns // settings.stride)
    return FLOAT * points * settings.latent_channels


def training_arrays(target: Target) -> dict[str, int]:
    """What a training on all years holds in the memory of every host, bytes."""
    pairs = 2 * target.leads * target.times  # a truth beside every background
    return {"states": pairs * target.state_bytes, "latents": pairs * latent_bytes(target)}


def correlation_arrays(target: Target, modes: int) -> dict[str, int]:
    """The correlation of increments as it is kept, and covariances while it is estimated."""
    settings = target.config.autoencoder
    rows, columns = target.rows // settings.stride, target.columns // settings.stride
    waves, coefficients = columns // 2 + 1, rows * settings.latent_channels
    root = waves * rows * settings.latent_channels**2
    return {
        "kept": COMPLEX * (root + waves * modes * coefficients),
        "estimated": COMPLEX * target.leads * waves * coefficients**2,
    }


def letkf_arrays(target: Target, members: int, observations: int, levels: int) -> dict[str, int]:
    """Tapers of every observation at every column, and the transforms of all points."""
    points = target.rows * target.columns
    return {
        "tapers": FLOAT * points * observations,
        "transforms": FLOAT * points * levels * members**2,
    }


def checkpoint_bytes(parameters: float) -> float:
    """A checkpoint of a training."""
    return _OF_TRAINING * parameters
