"""What cycles cost is a row a run, the last rows of every table of scores, and words."""

from dataclasses import replace

import pandas as pd

from align_da.storage.machine import Machine
from align_da.storage.run_cost import RunCost
from align_da.verification.cost_table import cost_table, with_costs
from align_da.verification.report.cost_in_words import told_cost, told_costs

HERE = Machine("a processor", 2, "cpu")
OLD = RunCost(10, 1, 3.0, 4.0, 2 * 10**9, compiled=False, machines=(HERE,))
NEW = replace(OLD, wall_seconds=2.0, cpu_seconds=2.5, peak_bytes=10**9)


def words(new: RunCost | None, old: RunCost | None) -> str:
    return told_costs({"old": old, "newer": new}, "newer", "old")


def test_a_run_is_a_row_and_one_without_a_record_is_empty() -> None:
    first, second = cost_table({"old": OLD, "before": None}).to_dict("records")
    assert first == {
        "method": "old",
        "cpu_seconds": 4.0,
        "wall_seconds": 3.0,
        "peak_bytes": 2 * 10**9,
        "cycles": 10,
        "processes": 1,
        "compiled": False,
        "cores": "2",
        "processor": "a processor",
        "device": "cpu",
    }
    assert second.pop("method") == "before"
    assert all(pd.isna(value) for value in second.values())


def test_what_differs_between_machines_is_told_of_each_once() -> None:
    moved = replace(OLD, machines=(HERE, replace(HERE, cores=8), replace(HERE, device="a card")))
    (row,) = cost_table({"old": moved}).to_dict("records")
    assert (row["cores"], row["processor"], row["device"]) == (
        "2, 8",
        "a processor",
        "cpu, a card",
    )


def test_tables_of_scores_end_with_what_the_runs_cost() -> None:
    scores = pd.DataFrame({"variable": ["u"], "unit": ["m/s"], "newer": ["1.2"], "old": ["1.4"]})
    table = with_costs(scores, {"old": OLD, "newer": NEW})
    assert table.to_numpy().tolist() == [
        ["u", "m/s", "1.2", "1.4"],
        ["CPU time a cycle", "s", 2.5, 4.0],
        ["memory", "GB", 1.0, 2.0],
    ]


def test_costs_of_one_kind_of_machine_are_compared_by_their_ratio() -> None:
    assert words(NEW, OLD) == (
        "A cycle takes 0.62 times the CPU time (2.5 s instead of 4 s), and at the peak 1 GB of "
        "memory instead of 2 GB, on the same kind of machine."
    )


def test_no_ratio_is_told_of_machines_that_differ() -> None:
    text = words(replace(NEW, machines=(replace(HERE, cores=4),)), OLD)
    assert text == (
        "A cycle takes 2.5 s of CPU time in newer and 4 s in old, which cannot be compared: they "
        "were recorded on machines that differ."
    )


def test_no_ratio_is_told_of_cycles_that_compile_or_took_no_time() -> None:
    assert words(replace(NEW, compiled=True), OLD).endswith("only cycles that compile.")
    assert words(NEW, replace(OLD, cpu_seconds=0.0)).endswith("too short to be measured.")


def test_what_is_not_recorded_is_said_by_name() -> None:
    assert words(None, OLD) == "What a cycle of newer costs is not recorded."
    assert words(None, None) == "What a cycle of newer and of old costs is not recorded."
    assert told_cost(None, "main") == "What a cycle of main costs is not recorded."


def test_a_run_alone_is_told_what_it_costs() -> None:
    assert told_cost(OLD, "main") == (
        "A cycle takes 4 s of CPU time, and at the peak 2 GB of memory."
    )
    assert "CPU time, compiling included, and" in told_cost(replace(OLD, compiled=True), "main")
