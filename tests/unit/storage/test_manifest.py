import os
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import jax
import pytest

from align_da.config import CycleConfig
from align_da.errors import StorageError
from align_da.storage.manifest import check_manifest, manifest_of, read_manifest, write_manifest

MANIFEST = manifest_of({"cycle": CycleConfig(), "leads": (6, 12)}, 3, {"truth": "ab"})


def test_a_manifest_is_read_as_it_was_written_and_accepted(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", MANIFEST)
    assert read_manifest(tmp_path / "manifest.json") == MANIFEST
    check_manifest(tmp_path / "manifest.json", MANIFEST)


def test_sections_are_kept_in_full() -> None:
    assert MANIFEST.config["cycle"]["window_hours"] == 6
    assert MANIFEST.libraries["jax"]


def test_every_difference_is_told(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", MANIFEST)
    other = manifest_of(
        {"cycle": CycleConfig(members=12), "leads": (6, 12)}, 4, {"truth": "ab", "weights": "cd"}
    )
    with pytest.raises(StorageError) as caught:
        check_manifest(tmp_path / "manifest.json", other)
    assert str(caught.value).splitlines()[1:] == [
        "  config.cycle.members: stored 20, now 12",
        "  inputs.weights: stored None, now 'cd'",
        "  seed: stored 3, now 4",
    ]


def test_the_digest_depends_on_the_configuration_alone() -> None:
    again = manifest_of({"leads": [6, 12], "cycle": CycleConfig()}, 5, {})
    assert again.config_digest == MANIFEST.config_digest
    other = manifest_of({"leads": [6], "cycle": CycleConfig()}, 5, {})
    assert other.config_digest != MANIFEST.config_digest


def test_another_code_version_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.json", replace(MANIFEST, code_version="0.0.1"))
    with pytest.raises(StorageError, match=r"code_version: stored '0\.0\.1'"):
        check_manifest(tmp_path / "manifest.json", MANIFEST)


@pytest.mark.parametrize(
    ("name", "otherwise"),
    [
        ("jax_enable_x64", jax.enable_x64(True)),
        ("jax_default_prng_impl", jax.default_prng_impl("rbg")),
        ("jax_threefry_partitionable", jax.threefry_partitionable(False)),
        ("jax_disable_jit", jax.disable_jit()),
        ("jax_default_matmul_precision", jax.default_matmul_precision("bfloat16")),
        ("jax_numpy_dtype_promotion", jax.numpy_dtype_promotion("strict")),
        ("XLA_FLAGS", patch.dict(os.environ, XLA_FLAGS="--xla_cpu_enable_fast_math=true")),
        ("device", patch.object(jax, "default_backend", lambda: "gpu")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_computed_otherwise_is_refused_by_name(
    name: str, otherwise: AbstractContextManager[object], tmp_path: Path
) -> None:
    write_manifest(tmp_path / "manifest.json", MANIFEST)
    with otherwise:
        now = manifest_of({"cycle": CycleConfig(), "leads": (6, 12)}, 3, {"truth": "ab"})
    with pytest.raises(StorageError) as caught:
        check_manifest(tmp_path / "manifest.json", now)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        f"  arithmetic.{name}"
    ]


def test_the_order_of_flags_is_no_difference() -> None:
    flags = ["--xla_a=1", "--xla_b=2"]
    found = []
    for order in (flags, flags[::-1]):
        with patch.dict(os.environ, XLA_FLAGS=" ".join(order)):
            found.append(manifest_of({}, 3, {}))
    assert found[0] == found[1]


def test_the_number_of_devices_is_no_difference() -> None:
    found = []
    for flags in ("--xla_a=1", "--xla_force_host_platform_device_count=8 --xla_a=1"):
        with patch.dict(os.environ, XLA_FLAGS=flags):
            found.append(manifest_of({}, 3, {}))
    assert found[0] == found[1]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seed": 1}', "[" * 100_000])
def test_anything_else_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(StorageError, match="no manifest"):
        read_manifest(tmp_path / "manifest.json")
