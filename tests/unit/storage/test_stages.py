"""A stage that is done is done once; what it made is there and as it was, or is told."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from zarr.codecs import ZstdCodec

from align_da.errors import StorageError
from align_da.storage import fingerprint
from align_da.storage.checkpoints import save_weights
from align_da.storage.datasets import (
    write_dataset,
    write_dataset_region,
    write_template_dataset,
)
from align_da.storage.durable import write_durably
from align_da.storage.fingerprint import fingerprint_of
from align_da.storage.lock import owned
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage, digest_of_stage
from align_da.storage.stage_record import read_stage_record
from align_da.storage.stages import check_products, check_with_inputs, run_stage

VALUES = np.random.default_rng(0).normal(size=(8, 3000)).astype(np.float32)
OLD_RECORD = {"stage": "first", "digest": "abc", "inputs": [], "wall_seconds": 1.5}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def write_file(path: Path, values: np.ndarray = VALUES) -> None:
    write_durably(path, values.tobytes())


def write_store(path: Path, values: np.ndarray = VALUES) -> None:
    """Filled by regions, as the truth and backgrounds are."""
    dataset = xr.Dataset({"u": (("time", "point"), values)})
    encoding = {"u": {"chunks": (2, 3000), "compressors": (ZstdCodec(level=1, checksum=True),)}}
    write_template_dataset(path, dataset.chunk({"time": 2}), encoding)
    for start in range(0, 8, 2):
        place = {"time": slice(start, start + 2)}
        write_dataset_region(path, dataset.isel(place), place)


def write_arrays(path: Path, values: np.ndarray = VALUES) -> None:
    save_weights(path, {"u": jnp.asarray(values)}, {"name": "u"})


WRITERS = {"file": write_file, "store": write_store, "arrays": write_arrays}
Write = Callable[..., None]


def first(folder: RunFolder, *defined_by: object) -> Stage:
    return Stage("first", defined_by, [], [folder.root / "product"])


def make(folder: RunFolder, write: Write = write_file, *defined_by: object) -> bool:
    return run_stage(folder, first(folder, *defined_by), lambda: write(folder.root / "product"))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_a_stage_with_its_product_is_not_done_again_and_a_lost_product_is_made_again(
    write: Write, folder: RunFolder, tmp_path: Path
) -> None:
    assert make(folder, write)
    before = digest_of_stage(folder, "first")
    assert not make(folder, write)
    (folder.root / "product").rename(tmp_path / "elsewhere")
    assert make(folder, write)
    assert digest_of_stage(folder, "first") == before


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_a_product_that_has_changed_is_refused_with_what_to_do(
    write: Write, folder: RunFolder
) -> None:
    make(folder, write)
    write(folder.root / "product", VALUES + 1)
    with pytest.raises(StorageError, match=r"product has changed.*'first'.*[Rr]emove|remove it"):
        make(folder, write)
    with pytest.raises(StorageError, match="product has changed"):
        check_products(folder, "first")


def a_file_of(path: Path) -> Path:
    """The largest file of a product, which holds its values."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return max(files, key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_a_flipped_byte_is_told_and_so_is_a_lost_part(write: Write, folder: RunFolder) -> None:
    make(folder, write)
    file = a_file_of(folder.root / "product")
    whole = file.read_bytes()
    file.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    with pytest.raises(StorageError, match="remove"):
        make(folder, write)
    file.write_bytes(whole[:-1])
    with pytest.raises(StorageError, match="remove"):
        make(folder, write)
    file.write_bytes(whole)
    assert not make(folder, write)


def test_a_missing_chunk_is_named_and_made_again(folder: RunFolder) -> None:
    make(folder, write_store)
    chunk = folder.root / "product" / "u" / "c" / "1" / "0"
    content = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(StorageError, match=r"u/c/1/0 is missing, one of 1: run the stage 'first'"):
        check_products(folder, "first")
    with pytest.raises(StorageError, match=r"u/c/1/0 is missing.*was not made again"):
        run_stage(folder, first(folder), lambda: None)
    assert make(folder, write_store)
    assert chunk.read_bytes() == content
    assert not make(folder, write_store)


def test_another_definition_is_another_stage_and_replaces_the_product(folder: RunFolder) -> None:
    assert make(folder, write_file, "edm")
    assert make(folder, write_file, "vp_cosine")
    assert make(folder, write_file, "edm")


def test_a_stage_that_was_cut_off_is_no_longer_called_done(folder: RunFolder) -> None:
    """Half of another product lies there: the record of the first no longer stands for it."""
    make(folder, write_file, "edm")

    def killed() -> None:
        write_file(folder.root / "product", VALUES + 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(folder, first(folder, "vp_cosine"), killed)
    assert make(folder, write_file, "edm")


def test_a_stage_that_makes_nothing_of_what_it_declares_is_told(folder: RunFolder) -> None:
    with pytest.raises(StorageError, match="product"):
        run_stage(folder, first(folder), lambda: None)
    assert not (folder.stages / "first.json").exists()


def test_what_is_built_on_a_product_knows_its_content(folder: RunFolder) -> None:
    """An input that was made again with other bits makes another stage of all that follows."""
    second = Stage("second", [], ["first"], [])
    make(folder)
    assert run_stage(folder, second, lambda: None)
    assert not run_stage(folder, second, lambda: None)
    (folder.root / "product").unlink()
    run_stage(folder, first(folder), lambda: write_file(folder.root / "product", VALUES + 1))
    assert run_stage(folder, second, lambda: None)


@pytest.mark.parametrize("lost", [True, False])
def test_nothing_is_built_on_a_product_that_is_lost_or_changed(
    lost: bool, folder: RunFolder
) -> None:
    make(folder)
    product = folder.root / "product"
    product.unlink() if lost else product.write_bytes(b"other")
    with pytest.raises(StorageError, match=r"product (is missing|has changed).*'first'"):
        run_stage(folder, Stage("second", [], ["first"], []), lambda: pytest.fail("was built"))


def test_what_lies_below_may_be_gone_and_may_not_have_changed(folder: RunFolder) -> None:
    """Each product is looked at once, however many stages were built on it."""
    make(folder)
    for name in ("second", "third"):
        run_stage(folder, Stage(name, [], ["first"], []), lambda: None)
    run_stage(folder, Stage("last", [], ["second", "third"], []), lambda: None)
    check_with_inputs(folder, ["last", "second"])
    product = folder.root / "product"
    content = product.read_bytes()
    product.unlink()
    check_with_inputs(folder, ["last"])
    with pytest.raises(StorageError, match="product is missing"):
        check_with_inputs(folder, ["last", "first"])
    product.write_bytes(content[:-1])
    with pytest.raises(StorageError, match="product has changed"):
        check_with_inputs(folder, ["last"])


def test_a_stage_below_without_a_record_is_not_looked_at(folder: RunFolder) -> None:
    """As with the shipped weights."""
    make(folder)
    run_stage(folder, Stage("second", [], ["first"], []), lambda: None)
    (folder.stages / "first.json").unlink()
    (folder.root / "product").write_bytes(b"other")
    check_with_inputs(folder, ["second"])


def test_an_input_that_was_never_made_is_told(folder: RunFolder) -> None:
    with pytest.raises(StorageError, match="expected the finished stage 'first'"):
        run_stage(folder, Stage("second", [], ["first"], []), lambda: None)


def test_a_record_of_an_earlier_version_stands_as_before(folder: RunFolder) -> None:
    """It names no products: its digest is that of the definition, as in manifests of that time."""
    make(folder)
    digest = read_stage_record(folder, "first").digest
    old = json.dumps({**OLD_RECORD, "digest": digest})
    (folder.stages / "first.json").write_text(old)
    assert digest_of_stage(folder, "first") == digest
    assert not make(folder)
    assert (folder.stages / "first.json").read_text() == old
    (folder.root / "product").unlink()
    assert make(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"stage": 1}', "null", '{"digest": {}}'])
def test_a_damaged_record_is_told(content: str, folder: RunFolder) -> None:
    make(folder)
    (folder.stages / "first.json").write_text(content)
    with pytest.raises(StorageError, match="is no record of a stage"):
        make(folder)


@pytest.mark.parametrize("key", ["record_digest", "digest"])
def test_a_record_that_was_altered_is_told(key: str, folder: RunFolder) -> None:
    make(folder)
    path = folder.stages / "first.json"
    path.write_text(path.read_text().replace(f'"{key}": "', f'"{key}": "0', 1))
    with pytest.raises(StorageError, match=r"no record of a stage.*altered"):
        make(folder)


@pytest.mark.parametrize("place", ["/dev/zero", "../other/product"])
def test_a_record_names_nothing_outside_of_the_run(place: str, folder: RunFolder) -> None:
    make(folder)
    record = json.loads((folder.stages / "first.json").read_text())
    (made,) = record["products"].values()
    del record["record_digest"]  # whoever writes a record can write its digest
    text = json.dumps({**record, "products": {place: made}})
    (folder.stages / "first.json").write_text(text)
    with pytest.raises(StorageError, match="not in the folder of the run"):
        check_products(folder, "first")


def test_a_pipe_is_no_product(folder: RunFolder) -> None:
    make(folder)
    (folder.root / "product").unlink()
    os.mkfifo(folder.root / "product")
    with pytest.raises(StorageError, match="neither a file nor a folder"):
        make(folder)


def test_a_stage_has_one_owner(folder: RunFolder) -> None:
    with (
        owned(folder.stages / "first.lock"),
        pytest.raises(StorageError, match="owned by another process"),
    ):
        make(folder)


def test_a_finished_stage_is_known_where_nothing_may_be_written(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(folder)

    def refuse(*_: object) -> Any:
        pytest.fail("a lock was asked for")

    monkeypatch.setattr("align_da.storage.stages.owned", refuse)
    assert not make(folder)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every product is larger than what is read whole."""
    monkeypatch.setattr(fingerprint, "_READ_WHOLE", 0)


@pytest.mark.usefixtures("large")
def test_of_a_large_store_chunks_that_are_lost_cut_exchanged_or_changed_are_told(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    write_store(store)
    made = fingerprint_of(store)
    one, other = sorted((store / "u").rglob("c/*/0"))[:2]
    kept, exchanged = one.read_bytes(), other.read_bytes()
    assert len(kept) > 3 * fingerprint._TAIL
    for content in (exchanged, kept[:-1], kept + b"\0"):
        one.write_bytes(content)
        assert fingerprint_of(store) != made
    one.write_bytes(kept)
    assert fingerprint_of(store) == made
    changed = VALUES.copy()
    changed[0, 0] += 1  # the first bytes of a chunk, far from its end
    write_store(store, changed)
    assert fingerprint_of(store) != made
    write_store(store)
    assert fingerprint_of(store) == made
    one.unlink()
    assert fingerprint_of(store) != made


@pytest.mark.usefixtures("large")
def test_of_a_large_store_all_metadata_is_read(tmp_path: Path) -> None:
    store = tmp_path / "store"
    write_dataset(store, xr.Dataset({"u": ("x", VALUES[0])}, attrs={"title": "a" * 9000}))
    made = fingerprint_of(store)
    metadata = store / "zarr.json"
    metadata.write_text(metadata.read_text().replace("aaa", "aab", 1))
    assert fingerprint_of(store) != made


def test_what_unfinished_writes_have_left_is_no_part_of_a_product(tmp_path: Path) -> None:
    write_store(tmp_path / "store")
    made = fingerprint_of(tmp_path / "store")
    (tmp_path / "store" / "u" / "c.abc.partial").write_bytes(b"half")
    assert fingerprint_of(tmp_path / "store") == made
