"""The weights that come with the library, laid out as the folder of a run."""

from importlib import resources
from pathlib import Path

from align_da.errors import StorageError

SHIPPED_CONFIG = "demo.toml"
"""Their configuration, beside them."""


def shipped_folder() -> Path:
    """Where they lie.

    Raises:
        StorageError: they are missing.
    """
    folder = Path(str(resources.files("align_da"))) / "resources" / "embedded_world"
    if not (folder / "weights").is_dir():
        message = f"expected shipped weights in {folder}, found none: reinstall align-da"
        raise StorageError(message)
    return folder
