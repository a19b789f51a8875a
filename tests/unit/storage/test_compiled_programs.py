import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from align_da.errors import StorageError
from align_da.storage import compiled_programs
from align_da.storage.compiled_programs import use_compilation_cache


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Where JAX is told to keep programs; the cache of the user is in the folder of the test."""
    folders: list[str] = []
    monkeypatch.setattr(compiled_programs, "set_cache_dir", folders.append)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folders


def test_programs_are_kept_where_only_their_user_can_look(told: list[str], tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        use_compilation_cache()
    finally:
        os.umask(umask)
    folder = tmp_path / "cache" / "align-da"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Path(told[0]).parent == folder / "programs"
    use_compilation_cache()
    assert told[0] == told[1]


def test_programs_for_another_number_of_threads_lie_elsewhere(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in ("2", "3"):
        monkeypatch.setenv("PJRT_NPROC", threads)
        use_compilation_cache()
    assert told[0] != told[1]


def test_without_a_cache_of_its_own_the_home_of_the_user_has_it(
    told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    use_compilation_cache()
    assert Path(told[0]).is_relative_to(tmp_path / ".cache" / "align-da")


def test_small_programs_are_kept_too(tmp_path: Path) -> None:
    """In a process of its own: this one has a cache already."""
    code = (
        "import jax; from align_da.storage.compiled_programs import use_compilation_cache; "
        "use_compilation_cache(); jax.jit(lambda x: x + 1)(2.0)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    programs = tmp_path / "align-da" / "programs"
    assert any(path.is_file() for path in programs.rglob("*lambda*"))


def readable_by_others(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)


def link_to_a_folder(folder: Path) -> None:
    (folder.parent / "other").mkdir(parents=True, mode=0o700)
    folder.symlink_to(folder.parent / "other")


def a_file(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.touch(mode=0o700)


@pytest.mark.parametrize("made", [readable_by_others, link_to_a_folder, a_file])
def test_a_folder_that_others_may_have_filled_is_refused(
    made: object, told: list[str], tmp_path: Path
) -> None:
    assert callable(made)
    made(tmp_path / "cache" / "align-da")
    with pytest.raises(StorageError, match=r"align-da keeps compiled .* set XDG_CACHE_HOME"):
        use_compilation_cache()
    assert told == []


def test_a_folder_of_another_user_is_refused(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_compilation_cache()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StorageError, match=f"of user {owner + 1} .* of user {owner}"):
        use_compilation_cache()
    assert len(told) == 1


def test_a_place_that_cannot_be_made_is_told(
    told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="Not a directory"):
        use_compilation_cache()
    assert told == []
