"""Pickles are read without running anything in them; Python's own unpickler gives the same."""

import pickle
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from align_da.errors import InputError
from align_da.forecast.plain_pickle import plain_values

SHARED = np.arange(6, dtype=np.float32).reshape(2, 3)
VALUES: dict[str, Any] = {
    "text": "T\u00fcr" * 100,
    "numbers": (1, -1, 255, 70000, -(2**40), 2**70, 0.1, True, False, None),
    "nested": {"list": [[], [1], [(), (1, 2, 3, 4)]], "empty": {}, ("a", 1): b"bytes" * 100},
    "array": SHARED,
    "again": [SHARED, SHARED],
    "columns first": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "big endian": np.arange(3, dtype=">i4"),
    "bits": np.asarray([[True], [False]]),
    "names": np.asarray(["ab", "c"]),
    "times": np.asarray(["2020-01-01"], "datetime64[ns]"),
    "no axis": np.asarray(3.5),
    "scalar": np.float32(1.5),
    "nothing": np.zeros((0, 3)),
}


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert type(found) is type(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray | np.generic):
        # NumPy's unpickler swaps bytes to the order of the machine.
        assert found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)
    else:
        assert type(found) is type(expected)
        assert found == expected


@pytest.mark.parametrize("protocol", [4, 5])
def test_plain_values_are_those_of_the_unpickler(protocol: int) -> None:
    content = pickle.dumps(VALUES, protocol=protocol)
    assert_same(plain_values(content, "it"), pickle.loads(content))  # noqa: S301 (our own)


def test_arrays_of_jax_become_those_of_numpy() -> None:
    content = pickle.dumps({"a": jnp.arange(4.0), "b": jnp.ones((2, 2))}, protocol=4)
    found = plain_values(content, "it")
    np.testing.assert_array_equal(found["a"], np.arange(4.0, dtype=np.float32))
    assert isinstance(found["b"], np.ndarray)


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (Path(self.folder),)


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    folder = tmp_path / "canary"
    content = pickle.dumps({"params": Canary(folder)}, protocol=4)
    with pytest.raises(InputError, match=r"checkpoint: .*it names .*, which is refused"):
        plain_values(content, "checkpoint")
    assert not folder.exists()
    pickle.loads(content)  # noqa: S301 (what the test guards against)
    assert folder.exists()


def endless() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "exhausted before"),
        (b"no pickle", "pickle of numbers"),
        (pickle.dumps(VALUES, protocol=4)[:-300], "pickle of numbers"),
        (pickle.dumps(VALUES, protocol=2), "is not read"),
        (pickle.dumps(np.asarray([{}, None], object), protocol=4), "object is refused"),
        (pickle.dumps({1, 2}, protocol=4), "EMPTY_SET is not read"),
        (pickle.dumps(endless(), protocol=4), "nested more than 100"),
        (b"\x80\x04].", ""),
        (b"\x80\x04.", "pop from empty list"),
        (b"\x80\x04K\x01K\x02R.", "pickle of numbers"),
        (pickle.dumps(np.arange(9), protocol=4).replace(b"K\x09\x85", b"K\x63\x85"), "reshape"),
    ],
    ids=range(11),
)
def test_what_is_no_plain_pickle_is_refused(content: bytes, problem: str) -> None:
    if not problem:
        assert plain_values(content, "it") == []
        return
    with pytest.raises(InputError, match=f"it: .*{problem}"):
        plain_values(content, "it")


def test_bytes_changed_at_random_end_in_values_or_an_input_error() -> None:
    good, random = pickle.dumps(VALUES, protocol=4), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        content = bytearray(good)
        content[random.integers(len(good))] = random.integers(256)
        try:
            plain_values(bytes(content), "it")
        except InputError:
            refused += 1
    assert 10 < refused < 150


def test_shared_lists_are_not_multiplied() -> None:
    value: list[Any] = []
    for _ in range(60):  # 2**60 lists, were each a copy
        value = [value, value]
    found = plain_values(pickle.dumps(value, protocol=4), "it")
    assert found[0] is found[1]
