"""What a command sets before it loads anything, and what it refuses to be told by."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from align_da.environment import settle_environment
from align_da.errors import ConfigError

CHANGES_BITS = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_DISABLE_JIT": "1",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_RANDOM_SEED_OFFSET": "1",
    "JAX_OF_A_LATER_VERSION": "1",
    "EAGER_CONSTANT_FOLDING": "1",
    "NVIDIA_TF32_OVERRIDE": "0",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "OPENBLAS_CORETYPE": "Prescott",
}
CHANGES_NONE = {
    "JAX_PLATFORMS": "cpu",
    "JAX_NUM_CPU_DEVICES": "2",
    "JAX_COORDINATOR_ADDRESS": "localhost:1",
    "JAX_LOG_COMPILES": "1",
    "JAX_DEBUG_NANS": "1",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",  # which is in the manifest
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test sets, or lets be set, holds for itself alone."""
    before = dict(os.environ)
    monkeypatch.setattr(sys, "path", list(sys.path))
    settle_environment()
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("name", CHANGES_BITS)
def test_a_variable_that_changes_bits_is_set_aside_and_named(name: str) -> None:
    os.environ[name] = CHANGES_BITS[name]
    assert settle_environment() == [name]
    assert name not in os.environ


@pytest.mark.parametrize("name", CHANGES_NONE)
def test_a_variable_that_changes_no_bits_stays(name: str) -> None:
    os.environ[name] = CHANGES_NONE[name]
    assert settle_environment() == []
    assert os.environ[name] == CHANGES_NONE[name]


@pytest.mark.parametrize(
    ("name", "given", "settled"),
    [
        ("OPENBLAS_NUM_THREADS", "4", "1"),
        ("PJRT_NPROC", "1", "2"),
        ("PJRT_NPROC", "many", "2"),
        ("PJRT_NPROC", "8", "8"),
    ],
)
def test_threads_are_settled_whatever_is_asked_for(name: str, given: str, settled: str) -> None:
    os.environ[name] = given
    assert settle_environment() == ([] if given == settled else [name])
    assert os.environ[name] == settled


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "PJRT_NPROC"])
def test_threads_that_nobody_has_set_are_settled_in_silence(name: str) -> None:
    os.environ.pop(name)
    assert settle_environment() == []
    assert int(os.environ[name]) == 1 + (name == "PJRT_NPROC") or int(os.environ[name]) > 2


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("PYTHONPATH", ":/opt/parts"),
        ("PYTHONPATH", "/opt/parts:parts"),
        ("PYTHONPATH", "."),
        ("DASK_CONFIG", "dask.yaml"),
        ("DASK_ROOT_CONFIG", ""),
        ("ZARR_CONFIG", "./zarr.yaml"),
        ("MATPLOTLIBRC", "style"),
        ("MPLCONFIGDIR", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_CACHE_HOME", "cache"),
        ("HOME", ""),
    ],
)
def test_a_place_below_the_working_directory_is_refused(name: str, place: str) -> None:
    os.environ[name] = place
    with pytest.raises(ConfigError, match=rf"{name}='.*': expected absolute paths"):
        settle_environment()


@pytest.mark.parametrize("name", ["PYTHONPATH", "DASK_CONFIG", "MATPLOTLIBRC"])
def test_a_place_that_is_named_in_full_is_taken(name: str, tmp_path: Path) -> None:
    os.environ[name] = str(tmp_path)
    assert settle_environment() == []
    assert os.environ[name] == str(tmp_path)


@pytest.mark.parametrize("spelt", ["", "in full"])
def test_modules_are_not_looked_for_in_the_working_directory(
    spelt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.environ["PYTHONPATH"] = "/opt/parts"
    before = list(sys.path)
    sys.path.insert(0, spelt and str(tmp_path))
    settle_environment()
    assert sys.path == before
    os.environ["PYTHONPATH"] = str(tmp_path)  # asked for in so many words
    sys.path.insert(0, str(tmp_path))
    settle_environment()
    assert sys.path == [str(tmp_path), *before]
