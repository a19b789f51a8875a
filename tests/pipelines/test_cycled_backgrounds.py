"""Where the segments of cycled backgrounds lie; cycling itself has tests of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from align_da.config import Config, CycledBackgroundsConfig
from align_da.errors import ConfigError, StorageError
from align_da.runs.run import Run, open_run
from align_da.storage.background_pairs import open_background_pairs
from data_pipelines.cycled_backgrounds import (
    _is_written,
    _make_store,
    make_cycled_backgrounds,
)
from data_pipelines.segments import Segment, places, starts_of
from data_pipelines.splits import SplitName, periods_of

SETTINGS = CycledBackgroundsConfig(segments=3, cycles=10, spin_up=4)


@pytest.fixture
def run(config: Config, folder: Path) -> Run:
    return replace(
        open_run(config, folder),
        config=config.model_copy(update={"cycled_backgrounds": SETTINGS}),
    )


def segment(run: Run, split: SplitName = "train", number: int = 0, of: int = 3) -> Segment:
    return Segment(run.config, run.folder.root, split, number, of)


def test_no_segments_are_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"segments of at least 1, got 0.*set it, to 8"):
        make_cycled_backgrounds(Config(), tmp_path / "nowhere", 1, Progress())


@pytest.mark.slow
def test_segments_start_from_backgrounds_and_do_not_overlap(run: Run) -> None:
    starts = starts_of(segment(run), run.pairs("train")).reshape(3, SETTINGS.cycles)
    assert np.all(np.diff(starts, axis=1) == np.timedelta64(6, "h"))
    assert np.all(starts[1:, 0] - starts[:-1, -1] > SETTINGS.spin_up * np.timedelta64(6, "h"))
    first = run.pairs("train").valid_times(48)[places(segment(run), run.pairs("train"))]
    assert np.all(starts[:, 0] - first == np.timedelta64(24, "h"))
    period = periods_of(run.config.world)["train"]
    assert period.start < starts[0, 0]
    assert starts[-1, -1] + np.timedelta64(6, "h") <= period.end


@pytest.mark.slow
def test_segments_that_do_not_fit_are_refused_with_what_to_do(run: Run) -> None:
    with pytest.raises(ConfigError, match=r"9 segments .* lower cycled_backgrounds.cycles"):
        places(segment(run, of=9), run.pairs("train"))


@pytest.mark.slow
def test_a_new_store_is_empty_and_laid_out_as_other_backgrounds(run: Run) -> None:
    _make_store(run, segment(run), "digest")
    files = run.folder
    pairs = open_background_pairs(files.truth, files.backgrounds("cycled_train"))
    assert pairs.lead_hours == (6,)
    assert pairs.starts.size == 30
    assert not _is_written(run.folder, segment(run, number=2))


@pytest.mark.slow
def test_a_store_of_another_configuration_is_refused(run: Run) -> None:
    _make_store(run, segment(run, "validation", of=1), "digest")
    _make_store(run, segment(run, "validation", of=1), "digest")  # the same again changes nothing
    with pytest.raises(StorageError, match="another configuration"):
        _make_store(run, segment(run, "validation", of=1), "another digest")
