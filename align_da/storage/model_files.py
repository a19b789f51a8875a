"""Files of forecast models that come from elsewhere: their content and their digests."""

from collections.abc import Mapping
from pathlib import Path

from align_da.storage.digest import digest_of_file
from align_da.storage.durable import storage_errors


def read_model_file(path: str) -> bytes:
    """The content of a file.

    Raises:
        StorageError: it cannot be read.
    """
    place = Path(path)
    with storage_errors(place):
        return place.read_bytes()


def model_file_digests(files: Mapping[str, str | None]) -> dict[str, str]:
    """SHA-256 of every file that defines the forecasts of a model, by its key.

    Raises:
        StorageError: one cannot be read.
    """
    found = {}
    for key, path in files.items():
        if path is not None:
            with storage_errors(Path(path)):
                found[key] = digest_of_file(Path(path))
    return found
