"""A correction of analyses that acts unasked, or where it has learned nothing of, is told."""

from pathlib import Path

import pytest

from align_da.config import load_config
from align_da.config.table import table_of
from align_da.runs.rounds import with_last_round
from align_da.stages.told_of_correction import told_of_correction
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stages import run_stage

SHIPPED_BY_NAME = [
    *("cycle.correction_share=0.5", "correction.starts_from=shipped", "correction.round=-1"),
]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ([], "corrected by 0.5, and forecasts by 0.3, of what has been learned in this world"),
        (["observations.network=radiosonde"], "corrected by 0.5 within 1000 km of observations"),
        (["cycle.correction_share=0"], ""),
        (SHIPPED_BY_NAME, ""),
        ([*SHIPPED_BY_NAME, "cycle.method=letkf"], "whether it helps here is not known"),
    ],
)
def test_it_is_told_when_what_is_shipped_acts_unasked_or_in_other_cycles_than_its_own(
    settings: list[str], told: str, tmp_path: Path
) -> None:
    given = load_config(None, settings)
    taken = with_last_round(given, RunFolder(tmp_path))
    lines = told_of_correction(given, taken, RunFolder(tmp_path))
    assert len(lines) == bool(told)
    assert told in "".join(lines)


@pytest.mark.parametrize(
    ("method", "told"),
    [("letkf", "round 2 has been learned in cycles of hybrid_gain"), ("hybrid_gain", "")],
)
def test_a_correction_of_a_run_of_its_own_is_told_in_cycles_of_another_method(
    method: str, told: str, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    learned = table_of(load_config(None, ["cycle.method=hybrid_gain"]))
    run_stage(folder, Stage("correction_2", [], [], [], learned), lambda: None)
    given = load_config(None, ["cycle.correction_share=1", f"cycle.method={method}"])
    lines = told_of_correction(given, with_last_round(given, folder), folder)
    assert len(lines) == bool(told)
    assert told in "".join(lines)
