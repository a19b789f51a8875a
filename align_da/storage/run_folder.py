"""Where the artefacts of a run lie."""

from dataclasses import dataclass
from pathlib import Path

from align_da.errors import ConfigError, StorageError


@dataclass(frozen=True)
class RunFolder:
    """Names of everything in the folder of a run.

    Attributes:
        root: the folder.

    Raises:
        ConfigError: its path, from the root of the file system, holds "::".
    """

    root: Path

    def __post_init__(self) -> None:
        if "::" in str(self.root.absolute()):
            message = (
                f"expected a run folder whose path holds no '::', which zarr takes for a chain of "
                f"file systems, got {self.root.absolute()}: choose another folder"
            )
            raise ConfigError(message)

    def check_there(self) -> None:
        """Refuse a folder that is not there.

        Raises:
            StorageError: says how a run is begun.
        """
        if not self.root.is_dir():
            message = (
                f"expected the folder of a run at {self.root}, found none: correct it, or "
                f"begin a run by align-da data truth --run {self.root}"
            )
            raise StorageError(message)

    @property
    def truth(self) -> Path:
        """The nature run."""
        return self.root / "truth.zarr"

    def backgrounds(self, split: str) -> Path:
        """Forecasts from perturbed truth in the period `split`, or "cycled" backgrounds."""
        return self.root / f"backgrounds_{checked_name(split)}.zarr"

    def closed_loop(self, number: int, split: str) -> Path:
        """What the cycles of a round have met in the period `split`."""
        return self.root / f"closed_loop_{number}_{checked_name(split)}.zarr"

    @property
    def statistics(self) -> Path:
        """Climatology and increment statistics."""
        return self.root / "statistics.json"

    @property
    def observations(self) -> Path:
        """Reports of real observations."""
        return self.root / "observations.parquet"

    @property
    def observation_accounts(self) -> Path:
        """What became of the reports of every observation file."""
        return self.root / "observations.json"

    @property
    def candidates(self) -> Path:
        """Candidates of the reference prior with their rewards."""
        return self.root / "candidates.zarr"

    @property
    def stages(self) -> Path:
        """Records of finished stages."""
        return self.root / "stages"

    @property
    def report(self) -> Path:
        """Figures and tables."""
        return self.root / "report"

    def checkpoints(self, name: str) -> Path:
        """Training checkpoints of the network `name`."""
        return self.root / "checkpoints" / checked_name(name)

    def weights(self, name: str) -> Path:
        """Final weights of the network `name`."""
        return self.root / "weights" / checked_name(name)

    @property
    def map_correction(self) -> Path:
        """Mean of truth − interpolated coarse map over the training period."""
        return self.root / "map_correction.zarr"

    def downscaled(self, name: str) -> Path:
        """Fine analyses of coarse maps."""
        return self.root / "downscaled" / f"{checked_name(name)}.zarr"

    def cycles(self, name: str) -> Path:
        """Store of the cycling run `name`; ledger, manifest, costs and lock lie beside it."""
        return self.root / "cycles" / f"{checked_name(name)}.zarr"


def checked_name(name: str) -> str:
    """`name`, if it is a plain file name.

    Raises:
        ConfigError: it is empty, hidden or leads out of its folder.
    """
    if not name or name.startswith(".") or not all(c.isalnum() or c in "_-." for c in name):
        message = f"expected a name of letters, digits, '_', '-' and '.', got {name!r}"
        raise ConfigError(message)
    return name
