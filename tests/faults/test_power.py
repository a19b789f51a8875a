"""Row 6 of the table of faults: the power goes while a run writes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hurt import complete_cycles, folder_digest
from power import PowerCuts, watched
from small_run import run_small, small_experiment

from align_da.storage.store_places import ledger_path
from align_da.storage.verification import verify_store


@pytest.mark.parametrize("all_names", [False, True])
@pytest.mark.parametrize(
    ("length", "resumed_every"), [(2, 40), pytest.param(3, 5, marks=pytest.mark.long)]
)
def test_row_6_whenever_the_power_goes_what_the_ledger_names_is_on_the_disk(
    length: int,
    resumed_every: int,
    all_names: bool,
    digest_after: Callable[[int], str],
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    (tmp_path / "run").mkdir()
    points, cycles = [], set()

    def examine(cuts: PowerCuts) -> None:
        image = tmp_path / "image"
        shutil.rmtree(image, ignore_errors=True)
        cuts.image(image, all_names=all_names)
        store = image / "run.zarr"
        points.append(store)
        if store.exists() and ledger_path(store).exists():
            assert verify_store(store) == ()
            cycles.add(complete_cycles(store))
        if len(points) % resumed_every == 0:
            kept = shutil.copytree(image, tmp_path / f"kept{len(points)}")
            resumed.append(kept / "run.zarr")

    resumed: list[Path] = []
    cuts = PowerCuts(tmp_path / "run", examine)
    with watched(cuts):
        assert run_small(tmp_path / "run" / "run.zarr", small_experiment(length)) == 0
    assert cycles == {*range(length + 1)}
    for store in resumed:
        assert run_small(store, small_experiment(length)) == 0
        assert folder_digest(store.parent) == digest_after(length)
    figure(f"{len(points)} cuts, 0 damaged cycles; {len(resumed)} resumed to the same bits")
