"""A chunk of a few kilobytes does not fill the memory."""

import gzip
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
from zarr.codecs import numcodecs as of_numcodecs

from align_da.errors import StorageError
from align_da.storage.bounded_chunks import bound_chunks
from align_da.storage.datasets import read_dataset
from align_da.storage.inflated_sizes import SIZES, size_of_zstd
from align_da.storage.store_files import open_array, read_array

LARGE = bytes(2**26)  # where the chunk has 4 kB
VALUES = np.random.default_rng(0).normal(size=(2, 1024)).astype(np.float32)
CODECS = {"zstd": ZstdCodec(checksum=True), "gzip": GzipCodec(), "blosc": BloscCodec()}


def of_unknown_size() -> bytes:
    """A frame of zstd that tells no size: 2,048 blocks of one byte repeated 2**17 times."""
    block = (2**17 << 3) | 2
    blocks = [(block | (number == 2047)).to_bytes(3, "little") + b"\0" for number in range(2048)]
    return bytes.fromhex("28b52ffd") + bytes([0, 0x38]) + b"".join(blocks)


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zstd": ("zstd", lambda: numcodecs.Zstd().encode(LARGE)),
    "zstd that tells no size": ("zstd", of_unknown_size),
    "gzip": ("gzip", lambda: gzip.compress(LARGE)),
    "gzip in parts": ("gzip", lambda: gzip.compress(bytes(1000)) + gzip.compress(LARGE)),
    "blosc": ("blosc", lambda: numcodecs.Blosc().encode(LARGE)),
}


def store_of(folder: Path, codec: str) -> Path:
    array = zarr.create_array(
        folder / "store.zarr" / "u",
        shape=(2, 1024),
        chunks=(1, 1024),
        dtype="float32",
        compressors=CODECS[codec],
        dimension_names=("time", "point"),
    )
    array[:] = VALUES
    zarr.open_group(folder / "store.zarr", mode="a")
    return folder / "store.zarr"


@pytest.mark.parametrize("codec", CODECS)
def test_chunks_of_their_size_are_read_as_they_are(codec: str, tmp_path: Path) -> None:
    dataset = read_dataset(store_of(tmp_path, codec))
    np.testing.assert_array_equal(dataset["u"].to_numpy(), VALUES)


@pytest.mark.parametrize("name", BOMBS)
def test_a_chunk_that_would_become_too_large_is_refused_before_it_does(
    name: str, tmp_path: Path
) -> None:
    codec, bomb = BOMBS[name]
    store = store_of(tmp_path, codec)
    (store / "u" / "c" / "1" / "0").write_bytes(bomb())
    tracemalloc.start()
    with pytest.raises(StorageError, match=r"cycle 1 cannot be read.*would become"):
        read_array(open_array(store, "u"), 1)
    with pytest.raises(StorageError, match=r"would become.*\(1, 1024\) and type float32"):
        read_dataset(store)["u"].isel(time=1).load()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**25


OF_NUMCODECS = {
    "zstd": numcodecs.Zstd(),
    "blosc": numcodecs.Blosc(),
    "lz4": numcodecs.LZ4(),
    "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
    "bz2": numcodecs.BZ2(),
    "lzma": numcodecs.LZMA(),
}
IN_FORMAT_3 = {
    "zstd": of_numcodecs.Zstd,
    "blosc": of_numcodecs.Blosc,
    "lz4": of_numcodecs.LZ4,
    "gzip": of_numcodecs.GZip,
    "zlib": of_numcodecs.Zlib,
    "bz2": of_numcodecs.BZ2,
    "lzma": of_numcodecs.LZMA,
}


@cache
def large(name: str) -> bytes:
    """A chunk that would become large; of lzma it takes a second."""
    return OF_NUMCODECS[name].encode(LARGE)


def test_every_codec_whose_size_is_known_is_tried() -> None:
    assert OF_NUMCODECS.keys() == SIZES.keys()


@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", OF_NUMCODECS)
def test_chunks_of_other_writers_are_read_and_bounded(
    name: str, zarr_format: Literal[2, 3], tmp_path: Path
) -> None:
    codec: Any = OF_NUMCODECS[name]
    store = tmp_path / "store.zarr"
    array = zarr.create_array(
        store / "u",
        shape=(2, 1024),
        chunks=(1, 1024),
        dtype="float32",
        compressors=codec if zarr_format == 2 else IN_FORMAT_3[name](),
        zarr_format=zarr_format,
    )
    array[:] = VALUES
    bound_chunks()
    found = zarr.open_array(store / "u", mode="r")
    np.testing.assert_array_equal(found[:], VALUES)
    chunk = store / "u" / ("1.0" if zarr_format == 2 else "c/1/0")
    chunk.write_bytes(large(name))
    with pytest.raises(StorageError, match=r"would become.*\(1, 1024\) and type float32"):
        found[1]
    np.testing.assert_array_equal(found[0], VALUES[0])


def test_filters_of_format_2_may_have_made_wider_what_was_compressed(tmp_path: Path) -> None:
    array = zarr.create_array(
        tmp_path / "u",
        shape=(1024,),
        chunks=(1024,),
        dtype="int8",
        filters=[numcodecs.AsType(encode_dtype="<f8", decode_dtype="|i1")],
        compressors=numcodecs.Zstd(),
        zarr_format=2,
    )
    array[:] = np.arange(1024) % 100
    bound_chunks()
    found = zarr.open_array(tmp_path / "u", mode="r")
    np.testing.assert_array_equal(found[:], np.arange(1024) % 100)


def test_a_frame_in_small_blocks_is_no_bomb() -> None:
    """Writers that flush often tell no size and fill no block: a sixteenth of it is taken."""
    blocks = [
        (2**13 << 3 | (number == 127)).to_bytes(3, "little") + bytes(2**13)
        for number in range(128)
    ]
    frame = bytes.fromhex("28b52ffd") + bytes([0, 0x38]) + b"".join(blocks)
    assert numcodecs.Zstd().decode(frame) == bytes(2**20)
    assert size_of_zstd(memoryview(frame), 2**20) <= 2**20


def test_the_size_of_a_frame_is_read_in_every_form() -> None:
    for size in (1, 200, 255, 256, 300, 65_791, 65_792, 2**20):
        frame = numcodecs.Zstd(checksum=True).encode(bytes(size))
        assert size_of_zstd(memoryview(frame), 2**30) == size


def test_xarray_reads_text_of_any_length(tmp_path: Path) -> None:
    names = np.array(["a", "b" * 100_000], dtype=object)
    xr.Dataset({"name": ("time", names)}).to_zarr(
        tmp_path / "text.zarr", zarr_format=2, consolidated=False
    )
    assert read_dataset(tmp_path / "text.zarr")["name"].to_numpy().tolist() == names.tolist()
