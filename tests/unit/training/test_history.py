"""Loss history and progress."""

import io
from pathlib import Path

import jax.numpy as jnp
import pytest
from rich.console import Console

from align_da.errors import StorageError
from align_da.training import draw_history, progress_bar, read_history, write_history

HISTORY = [
    {"step": 0.0, "validation_loss": 1.5},
    {"step": 10.0, "training_loss": 1 / 3, "validation_loss": 0.1 + 0.2},
]


def test_history_comes_back_exactly(tmp_path: Path) -> None:
    write_history(tmp_path / "history.jsonl", HISTORY)
    assert read_history(tmp_path / "history.jsonl") == HISTORY


@pytest.mark.parametrize("content", ["no json", "[1]", '{"step": null}', '{"step": 1'])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(content)
    with pytest.raises(StorageError, match="one JSON object"):
        read_history(path)


def test_missing_history_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"history\.jsonl"):
        read_history(tmp_path / "history.jsonl")


def test_picture_is_a_png(tmp_path: Path) -> None:
    draw_history(tmp_path / "loss.png", HISTORY, "autoencoder")
    assert (tmp_path / "loss.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_bar_shows_steps_and_loss() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with progress_bar("autoencoder", 4, console) as report:
        report(3, {"loss": jnp.asarray(0.125)})
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "autoencoder" in shown
    assert "3/4" in shown
    assert "0.125" in shown
