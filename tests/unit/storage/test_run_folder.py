"""Names of the artefacts of a run."""

from pathlib import Path

import pytest

from align_da.errors import ConfigError
from align_da.storage.run_folder import RunFolder


def test_a_folder_that_zarr_takes_for_a_chain_of_file_systems_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="whose path holds no '::'"):
        RunFolder(tmp_path / "a::b")
    (tmp_path / "c::d").mkdir()
    monkeypatch.chdir(tmp_path / "c::d")
    with pytest.raises(ConfigError, match="choose another folder"):
        RunFolder(Path("run"))


def test_brackets_and_blanks_are_letters_of_a_path(tmp_path: Path) -> None:
    assert RunFolder(tmp_path / "a [1] b").truth == tmp_path / "a [1] b" / "truth.zarr"
