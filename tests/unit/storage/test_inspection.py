from pathlib import Path

import numpy as np
import pytest

from align_da.errors import StorageError
from align_da.storage.checkpoints import save_weights
from align_da.storage.durable import write_durably
from align_da.storage.inspection import describe
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stage_record import StageRecord, write_stage_record
from align_da.storage.stages import run_stage


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


def test_stages_of_a_run_are_compared_with_what_they_made(tmp_path: Path) -> None:
    folder, old = RunFolder(tmp_path), StageRecord("old", "abc", [], 1.0, {})
    for name in ("first", "second"):
        product = tmp_path / f"{name}.json"
        stage = Stage(name, [], [], [product])
        run_stage(folder, stage, lambda place=product: write_durably(place, b"made"))
    write_stage_record(folder, old)
    found = describe(tmp_path)
    assert found.whole
    assert "  first: WHOLE: first.json as made" in found.text
    assert "  old: done; its record, of an earlier version" in found.text
    (tmp_path / "first.json").unlink()
    (tmp_path / "second.json").write_bytes(b"else")
    found = describe(tmp_path)
    assert not found.whole
    assert f"  first: DAMAGED: {tmp_path / 'first.json'} is missing" in found.text
    assert f"  second: DAMAGED: {tmp_path / 'second.json'} has changed" in found.text


def test_nothing_known_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="found none"):
        describe(tmp_path)
