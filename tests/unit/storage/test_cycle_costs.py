"""What cycles have cost is kept line by line, whatever has happened to the file."""

from dataclasses import replace
from pathlib import Path

import pytest

from align_da.storage.cycle_costs import CycleCost, append_cost, begin_costs, read_costs
from align_da.storage.machine import Machine
from align_da.storage.run_cost import summary_of_costs
from align_da.storage.store_places import costs_path
from align_da.storage.this_machine import this_machine

HERE = Machine("a processor", 2, "cpu")


def cost(cycle: int, *, seconds: float = 1.0, first: bool = False) -> CycleCost:
    return CycleCost(cycle, seconds, 2 * seconds, 1000 * (cycle + 1), first, HERE)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Of three cycles, whose costs are recorded."""
    path = tmp_path / "run.zarr"
    assert begin_costs(path, 0) == 0
    for cycle in range(3):
        append_cost(path, cost(cycle, first=cycle == 0))
    return path


def numbers(store: Path, complete: int = 3) -> list[int]:
    return [cost.cycle for cost in read_costs(store, complete).cycles]


def test_what_was_written_is_read(store: Path) -> None:
    assert read_costs(store, 3).cycles == (cost(0, first=True), cost(1), cost(2))
    assert costs_path(store).name == "run.costs.jsonl"


def test_of_a_run_without_the_file_nothing_is_recorded(tmp_path: Path) -> None:
    assert read_costs(tmp_path / "old.zarr", 5).cycles == ()


def test_an_old_run_that_goes_on_records_what_it_makes_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "old.zarr"
    begin_costs(path, 5)
    append_cost(path, cost(5, first=True))
    assert numbers(path, 6) == [5]


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_line_that_was_cut_is_passed_over_and_its_place_is_taken(store: Path, cut: int) -> None:
    path = costs_path(store)
    path.write_bytes(path.read_bytes()[:-cut])
    assert numbers(store) == [0, 1]
    assert read_costs(store, 3).damaged == 0
    assert begin_costs(store, 2) == 0
    append_cost(store, cost(2, seconds=5.0))
    assert read_costs(store, 3).cycles[2] == cost(2, seconds=5.0)


def test_of_cycles_that_are_made_again_only_the_new_costs_are_kept(store: Path) -> None:
    assert numbers(store, 1) == [0]
    begin_costs(store, 1)
    append_cost(store, cost(1, seconds=7.0, first=True))
    assert read_costs(store, 3).cycles == (cost(0, first=True), cost(1, seconds=7.0, first=True))


def test_a_run_from_the_start_begins_with_nothing(store: Path) -> None:
    begin_costs(store, 0)
    assert costs_path(store).read_bytes() == b""


def test_what_is_as_it_should_be_is_not_written_again(store: Path) -> None:
    before = costs_path(store).stat().st_ino
    begin_costs(store, 3)
    assert costs_path(store).stat().st_ino == before


def test_no_flipped_bit_changes_a_cost_and_the_other_lines_are_read(store: Path) -> None:
    path, known = costs_path(store), read_costs(store, 3).cycles
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 13):
        hurt = bytearray(content)
        hurt[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(hurt)
        found = read_costs(store, 3)
        assert set(found.cycles) < set(known)
        assert len(found.cycles) >= 1


@pytest.mark.parametrize(
    "line",
    [b"{}", b"[]", b"null", b"\xff\xfe", b'"' * 9, b"[" * 100_000, b'{"cycle": 1e999}', b"\x00"],
)
def test_lines_of_something_else_are_counted_and_passed_over(store: Path, line: bytes) -> None:
    path = costs_path(store)
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert (numbers(store), read_costs(store, 3).damaged) == ([0, 1, 2], 1)
    assert begin_costs(store, 3) == 1
    assert (numbers(store), read_costs(store, 3).damaged) == ([0, 1, 2], 0)


def test_a_cycle_costs_the_median_of_those_that_do_not_compile() -> None:
    costs = [cost(0, seconds=60.0, first=True), *(cost(n, seconds=1.0 + n) for n in (1, 2, 3))]
    costs.append(cost(4, seconds=50.0, first=True))
    found = summary_of_costs(costs)
    assert found is not None
    assert (found.cycles, found.processes, found.compiled) == (5, 2, False)
    assert (found.wall_seconds, found.cpu_seconds, found.peak_bytes) == (3.0, 6.0, 5000)
    assert found.machines == (HERE,)
    assert str(found) == "6 s of CPU time and 3 s a cycle, 5e-06 GB at the peak"


def test_where_every_cycle_compiles_that_is_said() -> None:
    found = summary_of_costs([cost(0, seconds=60.0, first=True)])
    assert found is not None
    assert found.compiled
    assert "60 s a cycle, compiling included" in str(found)


def test_without_costs_there_is_no_summary() -> None:
    assert summary_of_costs([]) is None


def test_machines_are_told_apart_and_have_no_names() -> None:
    other = replace(HERE, device="a card")
    found = summary_of_costs([cost(0), replace(cost(1), machine=other)])
    assert found is not None
    assert [str(it) for it in found.machines] == [
        "a processor, 2 cores",
        "a processor, 2 cores, a card",
    ]
    assert this_machine().cores >= 1
    assert this_machine().processor
