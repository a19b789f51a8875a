"""Row 31 of the table of faults: files that would run code, offered as checkpoints or data."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.config import WorldConfig
from align_da.digests import digest_of
from align_da.errors import StorageError
from align_da.forecast import Lorenz96ForecastModel
from align_da.storage.array_manifest import MANIFEST
from align_da.storage.checkpoints import load_weights, save_weights
from align_da.storage.digest import digest_of_file, digest_of_json
from align_da.storage.gridded import open_states
from align_da.storage.verified_arrays import write_arrays

PARAMS = {"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path / "canary")


@pytest.fixture(params=["pickle", "cloudpickle"])
def payload(request: pytest.FixtureRequest, canary: Canary) -> bytes:
    """What makes the folder when it is unpickled: a pickle in text, or bytes of cloudpickle."""
    if request.param == "pickle":
        return f"cos\nmkdir\n(S'{canary.folder}'\ntR.".encode()
    return cloudpickle.dumps(canary)


def test_the_payload_works(payload: bytes, canary: Canary) -> None:
    cloudpickle.loads(payload)
    assert canary.folder.is_dir()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "weights"
    save_weights(folder, PARAMS, {})
    return folder


@pytest.fixture
def weights(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "weights"))


def forge(weights: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest so that its own digest fits."""
    content = json.loads((weights / MANIFEST).read_text())["content"]
    change(content)
    text = json.dumps({"content": content, "digest": digest_of_json(content)})
    (weights / MANIFEST).write_text(text)


def test_row_31_a_pickle_instead_of_the_manifest_is_not_read(
    weights: Path, payload: bytes, canary: Canary
) -> None:
    (weights / MANIFEST).write_bytes(payload)
    with pytest.raises(StorageError, match="damaged"):
        load_weights(weights, PARAMS)
    assert not canary.folder.exists()


def test_row_31_pickles_instead_of_arrays_are_not_read_even_where_digests_fit(
    weights: Path, payload: bytes, canary: Canary
) -> None:
    def name_payloads(content: dict[str, Any]) -> None:
        for name in content["files"]:
            (weights / "arrays" / name).write_bytes(payload)
            content["files"][name] = digest_of_file(weights / "arrays" / name)

    forge(weights, name_payloads)
    with pytest.raises(StorageError, match="cannot be read"):
        load_weights(weights, PARAMS)
    assert not canary.folder.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["arrays"]["bias"].update(dtype="object"),
        lambda content: content["arrays"]["bias"].update(dtype="O"),
        lambda content: content["arrays"]["bias"].update(dtype="str32"),
        lambda content: content["arrays"]["bias"].update(dtype="no such type"),
        lambda content: content["arrays"]["bias"].update(shape=[-3]),
        lambda content: content["arrays"]["bias"].update(shape="three"),
        lambda content: content["arrays"].update(bias=None),
        lambda content: content.update(arrays=[1]),
        lambda content: content.pop("files"),
    ],
)
def test_row_31_a_forged_manifest_is_refused(
    weights: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    forge(weights, change)
    with pytest.raises(StorageError, match=r"cannot be read|is damaged"):
        load_weights(weights, PARAMS)


@pytest.mark.parametrize("text", [False, True])
def test_row_31_objects_and_text_are_not_saved(text: bool, tmp_path: Path, canary: Canary) -> None:
    array = np.array(["word"]) if text else np.array([canary], object)
    with pytest.raises(StorageError, match=r"'strange' of type .* does not hold numbers"):
        write_arrays(tmp_path / "weights", {"strange": array}, {})
    assert list(tmp_path.iterdir()) == []


def test_row_31_a_pickle_instead_of_a_netcdf_file_is_not_read(
    tmp_path: Path, payload: bytes, canary: Canary
) -> None:
    (tmp_path / "states.nc").write_bytes(payload)
    with pytest.raises(StorageError, match="cannot be opened"):
        open_states(tmp_path / "states.nc")
    assert not canary.folder.exists()


PICKLED = [{"id": "pickle", "protocol": 5}]
VERSION_2 = {
    "objects": {"dtype": "|O", "filters": PICKLED},
    "numbers": {"dtype": "<f4", "filters": PICKLED},
    "hidden behind another filter": {
        "dtype": "<f4",
        "filters": [{"id": "delta", "dtype": "<f4"}, *PICKLED],
    },
}


@pytest.mark.parametrize("name", ["temperature", "time"])
@pytest.mark.parametrize("kind", VERSION_2)
def test_row_31_a_pickle_in_a_store_of_zarr_2_is_not_read(
    kind: str, name: str, tmp_path: Path, payload: bytes, canary: Canary
) -> None:
    """`time` is read when a store is opened."""
    plain = {"zarr_format": 2, "shape": [2], "chunks": [2], "compressor": None, "order": "C"}
    array = tmp_path / "states.zarr" / name
    array.mkdir(parents=True)
    (array.parent / ".zgroup").write_text('{"zarr_format": 2}')
    (array / ".zarray").write_text(json.dumps({**plain, "fill_value": None, **VERSION_2[kind]}))
    (array / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["time"]}')
    (array / "0").write_bytes(payload)
    with pytest.raises(StorageError, match="cannot be opened"):
        open_states(array.parent)
    assert not canary.folder.exists()


@pytest.mark.parametrize("name", ["temperature", "time"])
@pytest.mark.parametrize("dtype", ["object", "float32"])
def test_row_31_a_pickle_in_a_store_of_zarr_3_is_not_read(
    dtype: str, name: str, tmp_path: Path, payload: bytes, canary: Canary
) -> None:
    store = tmp_path / "states.zarr"
    chunk = store / name / "c" / "0"
    chunk.parent.mkdir(parents=True)
    group = {"zarr_format": 3, "node_type": "group", "attributes": {}}
    (store / "zarr.json").write_text(json.dumps(group))
    array = {
        **group,
        "node_type": "array",
        "shape": [2],
        "data_type": dtype,
        "fill_value": 0.0,
        "dimension_names": ["time"],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "codecs": [{"name": "numcodecs.pickle", "configuration": {}}],
    }
    (store / name / "zarr.json").write_text(json.dumps(array))
    chunk.write_bytes(payload)
    with pytest.raises(StorageError, match="cannot be opened"):
        open_states(store)
    assert not canary.folder.exists()


@pytest.mark.parametrize("kind", ["pickle", "objects", "one array of objects"])
def test_row_31_objects_in_the_restart_file_of_the_truth_are_not_made(
    kind: str, tmp_path: Path, payload: bytes, canary: Canary
) -> None:
    nature_run = pytest.importorskip("data_pipelines.nature_run")
    path = tmp_path / nature_run.RESTART
    objects = np.array([canary], object)
    with path.open("wb") as file:
        if kind == "pickle":
            file.write(payload)
        elif kind == "objects":
            np.savez(file, done=1, configuration="abc", leaf_0=objects)
        else:
            np.save(file, objects)
    with pytest.raises(StorageError, match="cannot be read"):
        nature_run._arrays_in(path, most=10**6)
    assert not canary.folder.exists()


def test_row_31_a_damaged_restart_file_is_refused(tmp_path: Path) -> None:
    nature_run = pytest.importorskip("data_pipelines.nature_run")
    path = tmp_path / nature_run.RESTART
    np.savez(path, done=1, leaf_0=np.arange(100.0))
    whole = path.read_bytes()
    found = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            arrays = nature_run._arrays_in(path, most=10**6)
        except StorageError:
            found += 1
        else:  # a byte that says nothing, as the year in which a part was added
            assert np.array_equal(arrays.pop("leaf_0"), np.arange(100.0))
            assert arrays == {"done": 1}
    assert found > 100


def test_row_31_a_restart_file_of_another_model_is_refused_with_the_array(tmp_path: Path) -> None:
    nature_run = pytest.importorskip("data_pipelines.nature_run")

    class Model(nature_run.JcmForecastModel):
        """Has a native state of two arrays."""

        def __init__(self) -> None:
            self.layout = Lorenz96ForecastModel().layout

        def begin(self, *_: object) -> Any:
            return np.zeros(3), np.zeros(2)

    world, path = WorldConfig(), tmp_path / nature_run.RESTART
    saved = {"done": 1, "configuration": digest_of(world), "leaf_0": np.zeros(3)}
    for other in ({}, {"leaf_1": np.zeros(3)}):
        np.savez(path, **saved, **other)
        with pytest.raises(StorageError, match=r"expected leaf_1 of \(2,\)"):
            nature_run._read_restart(path, Model(), world)
