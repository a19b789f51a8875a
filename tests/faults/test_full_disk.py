"""Row 7: a full disk ends every kind of write with one message, and leaves nothing behind.

A limit on the size of files stands for a full disk: it strikes in Python, zarr, HDF5 and Orbax
alike, each of which tells it in its own way.
"""

import errno
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from align_da.errors import StorageError
from align_da.storage.checkpoints import save_step, save_weights
from align_da.storage.datasets import (
    write_dataset,
    write_dataset_region,
    write_template_dataset,
)
from align_da.storage.durable import copy_files, write_durably, write_errors, written_whole
from align_da.storage.lock import owned
from align_da.storage.netcdf_file import new_netcdf
from align_da.storage.report_file import write_reports
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage
from align_da.storage.tables import write_table
from align_da.training.history import draw_history, write_history
from align_da.verification.report.page import HtmlReport, write_report

LIMIT = 2000  # bytes of a file
VALUES = np.random.default_rng(7).normal(size=(4, 2000)).astype(np.float32)
DATASET = xr.Dataset({"u": (("time", "point"), VALUES)})
HISTORY = [{"step": float(step), "validation_loss": 1 / (step + 1)} for step in range(100)]
Figure = Callable[[str], None]


@contextmanager
def full_disk(limit: int = LIMIT) -> Iterator[None]:
    """No file may get larger than the limit, in this process.

    Python takes a part of a file of bytecode for the whole, and leaves it to every later process.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_variables(path: Path) -> None:
    with new_netcdf(path) as file:
        file.createDimension("point", VALUES.size)
        file.createVariable("u", "f4", ("point",))[:] = VALUES.ravel()


def make_stage(path: Path) -> None:
    """A stage of so many inputs that its record does not fit on the disk."""
    run_stage(RunFolder(path), Stage("last", [], ["first"] * 1000, []), lambda: None)


def reports() -> pd.DataFrame:
    return pd.DataFrame({"value": VALUES.ravel().astype(np.float64)})


WRITES: dict[str, Callable[[Path], object]] = {
    "a file": lambda path: write_durably(path, VALUES.tobytes()),
    "a table": lambda path: write_table(path, pd.DataFrame(VALUES.T)),
    "reports": lambda path: write_reports(path, reports()),
    "a page": lambda path: write_report(HtmlReport("a" * LIMIT), path),
    "a loss history": lambda path: write_history(path, HISTORY),
    "a picture": lambda path: draw_history(path, HISTORY, "title"),
    "a dataset": lambda path: write_dataset(path, DATASET),
    "a template": lambda path: write_template_dataset(path, DATASET, {}),
    "a netCDF file": write_variables,
    "weights": lambda path: save_weights(path, {"u": jnp.asarray(VALUES)}, {}),
    "a checkpoint": lambda path: save_step(path, 1, {"u": jnp.asarray(VALUES)}, {}),
    "a copy": lambda path: copy_files(path.with_name("source"), path),
    "the record of a stage": make_stage,
}


def content_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def prepare(folder: Path) -> None:
    """What some of the writes read."""
    write_durably(folder / "source" / "weights", VALUES.tobytes())
    run_stage(RunFolder(folder / "place"), Stage("first", [], [], []), lambda: None)


@pytest.mark.parametrize("name", WRITES)
def test_row_7_a_full_disk_ends_any_write_and_leaves_nothing(
    name: str, tmp_path: Path, figure: Figure
) -> None:
    write, path = WRITES[name], tmp_path / "place"
    if name in {"a copy", "the record of a stage"}:
        prepare(tmp_path)
    before = content_of(tmp_path)
    with full_disk(), pytest.raises(StorageError, match=rf"(?s){path}.*bytes free"):
        write(path)
    assert content_of(tmp_path) == before
    write(path)  # with space again
    assert content_of(tmp_path) != before
    figure(f"{name}: told, nothing left")


def test_row_7_what_was_there_is_kept_when_its_successor_does_not_fit(tmp_path: Path) -> None:
    write_dataset(tmp_path / "store", DATASET)
    before = content_of(tmp_path)
    with full_disk(), pytest.raises(StorageError, match="bytes free"):
        write_dataset(tmp_path / "store", DATASET + 1)
    assert content_of(tmp_path) == before


def test_row_7_a_lock_that_cannot_be_written_is_told_and_free_again(tmp_path: Path) -> None:
    with (
        full_disk(0),
        pytest.raises(StorageError, match="bytes free"),
        owned(tmp_path / "lock"),
    ):
        pytest.fail("it was owned")
    with owned(tmp_path / "lock"):
        assert "pid" in (tmp_path / "lock").read_text()


def test_row_7_a_region_that_does_not_fit_is_told_and_can_be_written_again(
    tmp_path: Path,
) -> None:
    encoding = {"u": {"chunks": (2, 2000)}}
    write_template_dataset(tmp_path / "store", DATASET.chunk({"time": 2}), encoding)
    first = {"time": slice(0, 2)}
    before = content_of(tmp_path)
    with full_disk(), pytest.raises(StorageError, match="bytes free"):
        write_dataset_region(tmp_path / "store", DATASET.isel(first), first)
    assert content_of(tmp_path) == before
    write_dataset_region(tmp_path / "store", DATASET.isel(first), first)
    with xr.open_zarr(tmp_path / "store", consolidated=False) as found:
        np.testing.assert_array_equal(found["u"][:2], VALUES[:2])


def test_row_9_what_a_library_tells_as_a_runtime_error_is_an_error_of_storage(
    tmp_path: Path,
) -> None:
    message = "NetCDF: HDF error"
    with (
        pytest.raises(StorageError, match=rf"{message} \(\d+ bytes free"),
        write_errors(tmp_path),
    ):
        raise RuntimeError(message)


def test_row_9_the_first_error_is_told_also_when_what_is_left_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def write() -> None:
        with written_whole(tmp_path / "file") as unfinished:
            unfinished.write_bytes(b"half")
            monkeypatch.setattr(Path, "unlink", broken)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match="No space left"):
        write()
