"""Cases are chosen where the truth is known when their forecasts end."""

from pathlib import Path

import numpy as np
import pytest

from align_da.config import Config
from align_da.errors import ConfigError, InputError
from align_da.runs.alignment_cases import cases_of, verifiable_places
from align_da.runs.run import Run, open_run


@pytest.fixture
def run(config: Config, folder: Path) -> Run:
    return open_run(config, folder)


@pytest.mark.slow
def test_every_case_of_the_last_period_has_a_truth_at_its_lead(run: Run) -> None:
    found = list(cases_of(run, "test", 3, 24, (48, 6)))
    assert [case.background_lead_hours for case in found] == [48.0, 6.0, 48.0]
    end = run.truth["time"].to_numpy()[-1]
    assert all(case.valid_time + np.timedelta64(24, "h") <= end for case in found)


@pytest.mark.slow
def test_a_truth_that_ends_too_early_is_told_before_anything_is_read(run: Run) -> None:
    with pytest.raises(InputError, match="the truth ends before"):
        verifiable_places(run.last_time, run.pairs("test"), 48, 24 * 365, 2)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_backgrounds_of_a_lead_that_there_is_none_of_are_refused(run: Run, split: str) -> None:
    with pytest.raises(ConfigError, match=f"in the {split} period, 36 h was asked for: add it"):
        run.pairs_of_lead(split, 36)
