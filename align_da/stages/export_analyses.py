"""The cycles of a run as a netCDF file."""

from datetime import UTC, datetime
from pathlib import Path

from align_da.storage.netcdf_export import export_netcdf
from align_da.storage.run_folder import RunFolder


def export_analyses(folder: Path, name: str, group: str, target: Path) -> int:
    """Write them.

    Returns:
        The number of cycles.

    Raises:
        StorageError: the store is damaged, or the file cannot be written.
    """
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return export_netcdf(RunFolder(folder).cycles(name), group, target, f"{made}: align-da export")
