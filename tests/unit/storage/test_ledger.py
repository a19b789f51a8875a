from pathlib import Path

import pytest

from align_da.errors import StorageError
from align_da.storage.ledger import CycleLine, Ledger, read_ledger, write_ledger

LEDGER = Ledger(
    {"run.zarr/zarr.json": "ab"},
    tuple(CycleLine(i, f"2020-01-0{i + 1}T00:00:00", {"analysis/u": f"{i}c"}) for i in range(3)),
)


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_ledger(tmp_path / "ledger", LEDGER)
    assert read_ledger(tmp_path / "ledger") == LEDGER


def test_a_line_depends_on_every_line_before(tmp_path: Path) -> None:
    write_ledger(tmp_path / "one", LEDGER)
    write_ledger(tmp_path / "other", Ledger({"run.zarr/zarr.json": "ac"}, LEDGER.cycles))
    pairs = zip(
        (tmp_path / "one").read_text().splitlines(),
        (tmp_path / "other").read_text().splitlines(),
        strict=True,
    )
    assert all(left != right for left, right in pairs)


def test_a_longer_ledger_begins_with_the_shorter_one(tmp_path: Path) -> None:
    write_ledger(tmp_path / "long", LEDGER)
    write_ledger(tmp_path / "short", Ledger(LEDGER.files, LEDGER.cycles[:2]))
    assert (tmp_path / "long").read_bytes().startswith((tmp_path / "short").read_bytes())


def test_damage_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    write_ledger(path, LEDGER)
    path.write_text(path.read_text().replace("2020-01-02", "2020-01-09"))
    with pytest.raises(StorageError, match="damaged at line 3"):
        read_ledger(path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}\n", b"[1]\n", b"null\n", b"[" * 100_000])
def test_anything_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        read_ledger(path)


def test_a_missing_ledger_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        read_ledger(tmp_path / "ledger")
