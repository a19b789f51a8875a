"""The page of experiments/costs: laws, weights of stores, the smallest point."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from align_da.errors import InputError
from align_da.storage.analysis_store import write_cycle
from align_da.storage.store_files import open_array, read_array
from align_da.storage.store_places import ledger_path
from experiments.costs import measured
from experiments.costs.curves import Part, fit_power_law, measure
from experiments.costs.run import with_table
from experiments.costs.synthetic import Size, new_store, noise_states, record_with, template_of
from experiments.costs.tables import amount, digits, duration
from experiments.costs.weights import cycle_weight

SMALL = Size(rows=8, levels=1, observations=50, members=2)


def test_the_fit_finds_the_exponent_of_a_power_law() -> None:
    sizes = np.array([1.0, 3.0, 10.0, 70.0])
    law = fit_power_law(sizes, 0.2 * sizes**1.7)
    assert law.exponent == pytest.approx(1.7)
    assert law.last_exponent == pytest.approx(1.7)
    assert law.half_width == pytest.approx(0.0, abs=1e-6)
    assert law.at(100.0) == pytest.approx(0.2 * 100**1.7)


def test_the_interval_holds_the_exponent_as_often_as_it_says() -> None:
    random, sizes = np.random.default_rng(0), np.array([1.0, 2.0, 4.0, 8.0])
    noise = np.exp(0.1 * random.normal(size=(1000, 4)))
    laws = [fit_power_law(sizes, sizes * factor) for factor in noise]
    held = np.mean([abs(law.exponent - 1.0) < law.half_width for law in laws])
    assert held == pytest.approx(0.95, abs=0.03)


def test_a_fixed_cost_shows_in_the_last_exponent() -> None:
    sizes = np.array([1.0, 10.0, 100.0, 1000.0])
    law = fit_power_law(sizes, 50.0 + sizes)
    assert law.exponent < 0.5
    assert law.last_exponent > 0.8


@pytest.mark.parametrize("costs", [[1.0], [1.0, 0.0], [1.0, np.nan]])
def test_what_has_no_logarithm_is_refused(costs: list[float]) -> None:
    with pytest.raises(InputError, match="positive costs"):
        fit_power_law(np.arange(1.0, 1 + len(costs)), np.array(costs))


def test_a_cycle_weighs_what_the_page_says(tmp_path: Path) -> None:
    layout = SMALL.layout
    template = template_of(layout, 3, 40, 2)
    states = noise_states(layout, 3)
    record = record_with(states, states, template)
    empty = new_store(tmp_path / "cycles.zarr", template)
    before = files_in(empty.path), ledger_path(empty.path).stat().st_size
    store = write_cycle(empty, record)
    weight = cycle_weight(layout, 3, 40, compression=1.0)
    names = store.ledger.cycles[0].arrays
    arrays = [read_array(open_array(store.path, name), 0) for name in names]
    assert weight.memory == sum(array.nbytes for array in arrays)
    assert weight.files == files_in(store.path) - before[0] == len(arrays)
    assert weight.largest_file == max(array.nbytes for array in arrays)
    line = ledger_path(store.path).stat().st_size - before[1]
    assert weight.ledger == pytest.approx(line, rel=0.02)  # it tells the sizes of chunks


def test_every_size_of_a_part_is_measured_once_and_told_by_factor() -> None:
    part = Part(measured.verification, {"points": (8, 16), "members": (2, 4)}, SMALL)
    seen: list[object] = []
    table = measure(part, 1, seen.append)
    assert len(seen) == 3
    assert set(table["program"]) == {"verification"}
    assert table[table["factor"] == "points"]["value"].tolist() == [128, 512]
    assert (table["seconds"] > 0).all()


def test_the_smallest_analysis_has_a_cost() -> None:
    found = measured.letkf(replace(SMALL, rows=16), 1)["LETKF"]
    assert found.seconds > 0
    assert found.megabytes > 0


@pytest.mark.long
def test_counting_by_two_depths_gives_what_all_blocks_take() -> None:
    code = """
from experiments.costs.synthetic import layout_of
from experiments.costs.arithmetic import programs
from experiments.costs.extrapolation import Target
for program in programs(Target().config, layout_of(128, 256)).values():
    print(f"{program.parameters / 1e6:.0f} {program.flop / 1e12:.2f}")
"""
    # Shapes stand for arrays there, which the checks of types in this process refuse.
    command, root = [sys.executable, "-c", code], Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}  # commands set PYTHONSAFEPATH
    told = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    # Traced with all 24 blocks: the tables of experiments/costs/paper_size.md.
    assert {"610 1.29", "632 0.47", "610 19.02", "632 1.86"} <= {*lines}


def test_tables_are_written_between_their_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    shutil.copy(Path(measured.__file__).with_name("README.md"), page)
    text = page.read_text()
    once = with_table(text, "limits", "| a |\n")
    assert with_table(once, "limits", "| a |\n") == once
    assert once.split("<!-- limits -->")[0] == text.split("<!-- limits -->")[0]
    assert once.split("<!-- end of limits -->")[1] == text.split("<!-- end of limits -->")[1]
    with pytest.raises(ValueError, match="markers"):
        with_table(text, "nothing", "")


def test_numbers_are_written_for_people() -> None:
    assert [digits(x) for x in (0.00123, 12345.6, 1.0, 0.0)] == ["0.00123", "12346", "1", "0"]
    assert amount(2.236e11) == "224 GB"
    assert amount(12.0) == "12 B"
    assert duration(10.0) == "10 s"
    assert duration(7300.0) == "2.03 h"


def files_in(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))
