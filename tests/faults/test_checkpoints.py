"""Rows 26-31 of the table of faults: what may happen to checkpoints and weights."""

import errno
import itertools
import os
import shutil
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from time import sleep
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import small_training
from hurt import bits_of, flip_bit
from unit.training import tiny

from align_da.errors import StorageError
from align_da.storage.checkpoints import load_weights, newest_whole, save_step, save_weights
from align_da.storage.verified_arrays import read_arrays
from align_da.training import fit, initial_state, make_optimizer

Figure = Callable[[str], None]
PARAMS = tiny.initial_params()
TEMPLATE = {"state": initial_state(PARAMS, make_optimizer(tiny.TRAINING)), "best": PARAMS}
STEPS = tiny.TRAINING.steps
LAST = f"step_{STEPS:08d}"


def delete(file: Path) -> None:
    file.unlink()


def halve(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def last_state(folder: Path) -> dict[str, Any]:
    """Everything in the last checkpoint: parameters, optimizer, step, best, and the history."""
    arrays, metadata = read_arrays(folder / LAST)
    assert any(name.startswith("state/optimizer") for name in arrays)
    assert arrays["state/step"] == STEPS  # which is the position among the batches too
    assert len(metadata["history"]) == 1 + STEPS // tiny.TRAINING.validate_every
    return {**{name: array.tobytes() for name, array in arrays.items()}, "metadata": metadata}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of a training that nothing disturbed; never changed."""
    folder = tmp_path_factory.mktemp("trained")
    tiny.train(folder)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights; never changed."""
    folder = tmp_path_factory.mktemp("saved") / "weights"
    save_weights(folder, PARAMS, {})
    return folder


@pytest.fixture
def checkpoints(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "checkpoints"))


@pytest.fixture
def weights(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "weights"))


def test_row_26_training_falls_back_one_checkpoint_with_a_warning(
    checkpoints: Path, figure: Figure
) -> None:
    files = files_of(checkpoints / LAST)
    for file in files:
        content = file.read_bytes()
        for damage in (delete, halve):
            damage(file)
            found, warnings = newest_whole(checkpoints, TEMPLATE)
            assert found is not None
            assert found.step == STEPS - tiny.TRAINING.validate_every
            assert (len(warnings), LAST in warnings[0]) == (1, True)
            file.write_bytes(content)
    found, warnings = newest_whole(checkpoints, TEMPLATE)
    assert found is not None
    assert (found.step, warnings) == (STEPS, ())
    figure(f"{2 * len(files)} of {2 * len(files)} damaged checkpoints told and passed over")


def test_row_26_damaged_weights_are_refused(weights: Path, figure: Figure) -> None:
    files = files_of(weights)
    for file in files:
        content = file.read_bytes()
        for damage in (delete, halve, empty):
            damage(file)
            with pytest.raises(StorageError, match=file.name) as refused:
                load_weights(weights, PARAMS)
            assert refused.value.exit_code == 4
            file.write_bytes(content)
    load_weights(weights, PARAMS)
    figure(f"{3 * len(files)} of {3 * len(files)} damaged weights refused")


@pytest.mark.parametrize("bits", [3, pytest.param(100, marks=pytest.mark.long)])
def test_row_27_every_flipped_bit_is_refused(bits: int, weights: Path, figure: Figure) -> None:
    """In every file, the first and the last bit among them."""
    flipped = 0
    for file in files_of(weights):
        for bit in {0, 8 * file.stat().st_size - 1, *bits_of(file, bits)}:
            flip_bit(file, bit)
            with pytest.raises(StorageError, match=file.name):
                load_weights(weights, PARAMS)
            flip_bit(file, bit)
            flipped += 1
    load_weights(weights, PARAMS)
    figure(f"{flipped} of {flipped} flipped bits found")


CHANGES = [
    ({"bias": jnp.zeros(2)}, r"bias': expected \(\(2,\), 'float32'\), got \(\(1,\), 'float32'\)"),
    ({"bias": jnp.zeros(1, jnp.bfloat16)}, r"bias': expected \(\(1,\), 'bfloat16'\)"),
    ({"bias": jnp.zeros(1, jnp.float16)}, r"bias': expected \(\(1,\), 'float16'\)"),
    ({"inward": jnp.zeros((5, 6))}, r"inward': expected \(\(5, 6\), 'float32'\)"),
    ({"more": jnp.zeros(1)}, "more' is only in what is expected"),
    ({"bias": None}, "bias' is only in /"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_row_28_weights_of_another_network_are_refused_with_the_leaf(
    saved: Path, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(StorageError, match=reason):
        load_weights(saved, {**PARAMS, **change})


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_row_28_a_training_of_another_network_is_refused_before_its_first_step(
    trained: Path, change: dict[str, Any], reason: str
) -> None:
    def never(*_: object) -> Any:
        pytest.fail("a step was made")

    params = {name: leaf for name, leaf in {**PARAMS, **change}.items() if leaf is not None}
    with pytest.raises(StorageError, match=reason):
        fit(params, never, never, [tiny.batch_of(np.arange(8))], tiny.TRAINING, 3, trained)


@pytest.mark.row(11)
@pytest.mark.parametrize("trainings", [1, pytest.param(10, marks=pytest.mark.long)])
def test_row_29_killed_a_training_ends_with_the_same_bits_and_no_leftovers(
    trainings: int, children: ForkServerContext, trained: Path, tmp_path: Path, figure: Figure
) -> None:
    """Each is killed (-9) after a random step, goes on, and is killed again while it saves."""
    chance = np.random.default_rng(29)
    for number in range(trainings):
        folder, step = tmp_path / str(number), int(chance.integers(1, STEPS + 1))
        child = children.Process(target=small_training.train_and_die, args=(folder, step))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        kill_while_saving(children, folder)
        (folder / "step_00000099.saving" / "arrays").mkdir(parents=True)  # of other settings
        tiny.train(folder)
        assert last_state(folder) == last_state(trained)
        assert {path.name for path in folder.iterdir()} == {
            path.name for path in trained.iterdir()
        }
    figure(f"{2 * trainings} of {2 * trainings} kills with the same bits")


def kill_while_saving(children: ForkServerContext, folder: Path) -> None:
    """Go on with a training and kill it when Orbax has begun to write."""
    child = children.Process(target=tiny.train, args=(folder,))
    child.start()
    while not list(folder.glob("step_*.saving/*")):
        assert child.is_alive()
        sleep(0.0005)
    child.kill()
    child.join()
    assert list(folder.glob("step_*.saving"))


def test_row_30_a_flush_that_fails_ends_the_save_and_its_step_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """Saves are synchronous: what has returned is on the disk."""
    tree, calls = {"value": jnp.arange(3.0)}, itertools.count(1)
    monkeypatch.setattr(os, "fsync", failing(os.fsync, calls, 0))
    save_step(tmp_path, 1, tree, {})
    flushes = next(calls) - 1
    assert flushes > 10
    for fatal in range(1, flushes + 1):
        monkeypatch.setattr(os, "fsync", failing(os.fsync, itertools.count(1), fatal))
        with pytest.raises(StorageError, match="Input/output error"):
            save_step(tmp_path, 2, tree, {})
        monkeypatch.undo()
        found, warnings = newest_whole(tmp_path, tree)
        assert found is not None
        # The last is that of the name: the step is whole, and told to have failed.
        assert (found.step, warnings) == (1 + (fatal == flushes), ())
    figure(f"{flushes} of {flushes} failed flushes ended the save")


def failing(
    sync: Callable[[int], None], calls: "itertools.count[int]", fatal: int
) -> Callable[[int], None]:
    """A flush that fails at the call with this number."""

    def sync_or_fail(descriptor: int) -> None:
        if next(calls) == fatal:
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    return sync_or_fail


@pytest.mark.long
@pytest.mark.parametrize("file_limit", [100, 1500])
def test_row_30_a_save_that_fails_ends_the_training_at_once(
    file_limit: int, children: ForkServerContext, trained: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for a full disk; it strikes in Orbax or after it."""
    arguments = (tmp_path, 20, file_limit)
    child = children.Process(target=small_training.train_on_a_full_disk, args=arguments)
    child.start()
    child.join()
    assert child.exitcode == StorageError.exit_code
    complete = [path.name for path in tmp_path.iterdir() if path.suffix != ".saving"]
    assert sorted(complete) == ["step_00000008", "step_00000016"]
    tiny.train(tmp_path)
    assert last_state(tmp_path) == last_state(trained)
