"""Tables of scores as CSV files."""

from pathlib import Path

import pandas as pd

from align_da.storage.durable import write_durably


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without its index, all or nothing; folders above it are made.

    Raises:
        StorageError: it cannot be written.
    """
    write_durably(path, table.to_csv(index=False).encode())
