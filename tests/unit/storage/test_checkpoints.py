"""Checkpoints and weights: whole and of the right form, or refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from align_da.errors import StorageError
from align_da.storage.array_manifest import read_metadata
from align_da.storage.checkpoints import (
    load_weights,
    newest_whole,
    save_step,
    save_weights,
)
from align_da.storage.digest import digest_of_json

RNG = np.random.default_rng(0)
PARAMS = {
    "embed": {"kernel": jnp.asarray(RNG.normal(size=(8, 6)), jnp.float32), "bias": jnp.zeros(6)},
    "count": jnp.asarray(7, jnp.int32),
}


def assert_same_bits(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.dtype == other.dtype
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "weights"
    save_weights(folder, PARAMS, {"configuration": "abc"})
    return folder


@pytest.fixture
def weights(saved: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_weights_come_back_bit_by_bit(weights: Path) -> None:
    assert_same_bits(load_weights(weights, PARAMS), PARAMS)
    assert read_metadata(weights)["about"] == {"configuration": "abc"}


def test_no_file_of_weights_tells_where_they_were_written(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights", PARAMS, {})
    files = [path for path in (tmp_path / "weights").rglob("*") if path.is_file()]
    assert "commit_success.txt" in {path.name for path in files}
    place = str(tmp_path).encode()
    assert not [path for path in files if place in path.read_bytes()]


def test_state_of_network_and_optimizer_comes_back(tmp_path: Path) -> None:
    class Network(nnx.Module):
        def __init__(self) -> None:
            self.layers = nnx.List([nnx.Param(jnp.arange(6.0).reshape(2, 3))])
            self.bias = nnx.Param(jnp.ones(3))

    params = nnx.state(Network())
    tree = {"params": params, "optimizer": optax.adamw(1e-3).init(params)}
    save_step(tmp_path, 5, tree, {})
    found, warnings = newest_whole(tmp_path, tree)
    assert found is not None
    assert (found.step, warnings) == (5, ())
    assert_same_bits(found.tree, tree)
    named = json.loads((tmp_path / "step_00000005" / "digests.json").read_text())
    assert {"params/bias", "params/layers/0"} < named["content"]["arrays"].keys()


def test_half_precision_halves_the_size_and_rounds(tmp_path: Path) -> None:
    params = {"kernel": jnp.asarray(RNG.normal(size=(200, 200)), jnp.float32)}
    save_weights(tmp_path / "half", params, {}, precision="float16")
    save_weights(tmp_path / "single", params, {})
    found = load_weights(tmp_path / "half", params)["kernel"]
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, params["kernel"], rtol=5e-4, atol=1e-7)
    size = {name: size_of(tmp_path / name) for name in ("half", "single")}
    assert size["half"] < 0.6 * size["single"]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("value", [1e5, 1e-7, np.nan])
def test_values_that_half_precision_cannot_hold_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(StorageError, match="'std' is out of the range of float16"):
        save_weights(tmp_path / "half", {"std": jnp.full(3, value)}, {}, precision="float16")


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"shape": [3, 2]}, {"dtype": "float16"}])
def test_an_array_that_is_not_what_the_manifest_says_is_told_by_name(
    weights: Path, change: dict[str, Any]
) -> None:
    """The manifest itself is whole: orbax would cut or cast without a word."""
    path = weights / "digests.json"
    content = json.loads(path.read_text())["content"]
    content["arrays"]["embed/bias"].update(change)
    path.write_text(json.dumps({"content": content, "digest": digest_of_json(content)}))
    with pytest.raises(StorageError, match="embed/bias"):
        load_weights(weights, PARAMS)


def test_no_weights_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        load_weights(tmp_path / "nowhere", PARAMS)


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    for step in (10, 20, 30, 40):
        save_step(tmp_path, step, {"value": jnp.full(3, step)}, {"loss": step / 3}, keep=3)
    return tmp_path


def test_only_the_newest_checkpoints_are_kept(steps: Path) -> None:
    names = sorted(path.name for path in steps.iterdir())
    assert names == ["step_00000020", "step_00000030", "step_00000040"]


def test_the_newest_whole_checkpoint_is_taken_and_the_others_are_told(steps: Path) -> None:
    for path in (steps / "step_00000040" / "arrays").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    (steps / "step_00000030" / "digests.json").unlink()
    (steps / "step_00000050.saving").mkdir()
    found, warnings = newest_whole(steps, {"value": jnp.zeros(3, jnp.int32)})
    assert found is not None
    assert (found.step, found.metadata) == (20, {"loss": 20 / 3})
    assert np.array_equal(found.tree["value"], [20, 20, 20])
    assert ["00000040" in warnings[0], "00000030" in warnings[1]] == [True, True]


def test_there_may_be_no_checkpoint_yet(tmp_path: Path) -> None:
    assert newest_whole(tmp_path / "nothing", PARAMS) == (None, ())


def test_nothing_whole_is_an_error(steps: Path) -> None:
    for path in steps.glob("*/digests.json"):
        path.write_text("{}")
    with pytest.raises(StorageError, match=r"no checkpoint in .* is whole"):
        newest_whole(steps, {"value": jnp.zeros(3, jnp.int32)})


def test_a_checkpoint_of_another_network_is_no_reason_to_fall_back(steps: Path) -> None:
    with pytest.raises(StorageError, match="leaf 'value'"):
        newest_whole(steps, {"value": jnp.zeros(4, jnp.int32)})


def test_a_step_is_written_again_after_a_fall_back(steps: Path) -> None:
    save_step(steps, 40, {"value": jnp.full(3, 41)}, {})
    found, _ = newest_whole(steps, {"value": jnp.zeros(3, jnp.int32)})
    assert found is not None
    assert np.array_equal(found.tree["value"], [41, 41, 41])
