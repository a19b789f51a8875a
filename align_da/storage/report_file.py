"""The reports of a run in one parquet file, with the digest of its columns inside."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from align_da.errors import ConfigError, StorageError
from align_da.storage.array_digest import digest_of_array
from align_da.storage.digest import digest_of_json
from align_da.storage.durable import write_durably
from align_da.storage.reads import note_read

_DIGEST = b"align_da.digest"


def write_reports(path: Path, reports: pd.DataFrame) -> str:
    """Replace the file, all or nothing; equal reports give equal bytes.

    Returns:
        The digest of the reports.

    Raises:
        StorageError: the file cannot be written.
        ConfigError: pyarrow is not installed.
    """
    pyarrow, parquet = _packages()
    digest = digest_of_reports(reports)
    table = pyarrow.Table.from_pandas(reports, preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, _DIGEST: digest.encode()})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    write_durably(path, buffer.getvalue())
    return digest


def read_reports(path: Path) -> pd.DataFrame:
    """The reports, as they were written.

    Raises:
        StorageError: there is no such file, or it is damaged.
        ConfigError: pyarrow is not installed.
    """
    pyarrow, parquet = _packages()
    if not path.is_file():
        message = f"{path}: expected the reports of the run, found none: run "
        message += "`align-da data observations FILES` first"
        raise StorageError(message)
    note_read(path)
    try:
        table = parquet.read_table(path)
        reports: pd.DataFrame = table.to_pandas()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        message = f"{path}: not a readable file of reports ({error}): make it again"
        raise StorageError(message) from error
    told = (table.schema.metadata or {}).get(_DIGEST, b"").decode(errors="replace")
    if told != digest_of_reports(reports):
        message = f"{path}: expected reports with the digest {told!r}: damaged, make it again"
        raise StorageError(message)
    return reports


def write_accounts(path: Path, accounts: Sequence[Mapping[str, Any]]) -> None:
    """Replace the file of what became of the reports of every observation file.

    Raises:
        StorageError: the file cannot be written.
    """
    write_durably(path, json.dumps(list(accounts), indent=1).encode())


def read_accounts(path: Path) -> list[dict[str, Any]]:
    """What became of the reports of every observation file, as it was written.

    Raises:
        StorageError: there is no such file, or it is damaged.
    """
    try:
        accounts: list[dict[str, Any]] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"{path}: not a readable account of the reports ({error}): make it again"
        raise StorageError(message) from error
    return accounts


def digest_of_reports(reports: pd.DataFrame) -> str:
    """Digest of names, types and values of every column."""
    found = {}
    for name, column in reports.items():
        values = column.to_numpy()
        if values.dtype == object:
            values = np.asarray([str(text) for text in column], dtype=np.str_)
        elif values.dtype.kind == "M":
            values = values.astype("datetime64[ns]").astype(np.int64)
        elif values.dtype.kind == "f":  # parquet keeps no sign of NaN
            values = np.where(np.isnan(values), np.nan, values)
        found[str(name)] = digest_of_array(values)
    return digest_of_json(found)


def _packages() -> tuple[Any, Any]:
    """The package pyarrow and its parquet module.

    Raises:
        ConfigError: they are not installed.
    """
    try:
        # Only here, so that everything else works without them.
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        message = "reports need pyarrow: pip install 'align-da[observations]'"
        raise ConfigError(message) from error
    return pa, pa.parquet
