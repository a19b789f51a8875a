from pathlib import Path

import numpy as np
import pytest

from align_da.errors import StorageError
from align_da.storage.checkpoints import save_weights
from align_da.storage.inspection import describe


def test_gridded_states_are_described(gridded: Path) -> None:
    text = describe(gridded).text
    assert "gridded states" in text
    assert "temperature, surface_pressure" in text or "surface_pressure, temperature" in text


def test_weights_are_described_with_their_origin(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights", {"a": np.ones((2, 3), np.float32)}, {"config": "abc"})
    text = describe(tmp_path / "weights").text
    assert "1 arrays, 6 numbers, 24 bytes" in text
    assert "abc" in text
    assert "WHOLE" in text


def test_a_folder_is_described_by_what_it_holds_and_damage_hides_nothing(
    gridded: Path, tmp_path: Path
) -> None:
    save_weights(tmp_path / "weights" / "one", {"a": np.ones(3, np.float32)}, {})
    (tmp_path / "weights" / "one" / "digests.json").write_text("{}")
    found = describe(tmp_path)
    text = found.text
    assert not found.whole
    assert "gridded states" in text
    assert f"{tmp_path / 'weights' / 'one'}: DAMAGED" in text


def test_nothing_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="found none"):
        describe(tmp_path)
