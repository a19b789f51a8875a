"""The cycles of a run as a netCDF file."""

from datetime import UTC, datetime
from pathlib import Path

from align_da.storage.lock import lock_beside, owned
from align_da.storage.netcdf_export import export_netcdf
from align_da.storage.run_folder import RunFolder


def export_analyses(folder: Path, name: str, group: str, target: Path) -> int:
    """Write them.

    Returns:
        The number of cycles.

    Raises:
        StorageError: the store is damaged, or the file cannot be written or is being written.
    """
    made = datetime.now(UTC).isoformat(timespec="seconds")
    store = RunFolder(folder).cycles(name)
    with owned(lock_beside(target)):
        return export_netcdf(store, group, target, f"{made}: align-da export")
