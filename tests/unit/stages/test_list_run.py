"""What there is of a run, what is missing next, and the command for it."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cycled_world import CONFIG, make_cycled_world

from align_da.config import Config
from align_da.config.table import table_of, with_overrides
from align_da.errors import StorageError
from align_da.runs.stage_graph import backgrounds_stage
from align_da.runs.standing import OTHER_CODE
from align_da.stages.check_work import check_work
from align_da.stages.foretell import foretell
from align_da.stages.list_run import RunListing, list_run
from align_da.storage.cycle_costs import CycleCost, append_cost, begin_costs
from align_da.storage.durable import write_durably
from align_da.storage.ledger import read_ledger, write_ledger
from align_da.storage.machine import Machine
from align_da.storage.report_record import ReportRecord, write_report_record
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import definition_digest
from align_da.storage.stage_record import read_stage_record, write_stage_record
from align_da.storage.store_places import costs_path, ledger_path


@pytest.fixture(scope="module")
def cycled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose stages and two cycles are done."""
    return make_cycled_world(tmp_path_factory.mktemp("run")).root


@pytest.fixture
def run(cycled: Path, tmp_path: Path) -> RunFolder:
    """A copy, to be changed."""
    return RunFolder(shutil.copytree(cycled, tmp_path / "run"))


def listed(run: RunFolder, config: Config = CONFIG) -> RunListing:
    return list_run(config, run.root, "--run here")


def states(found: RunListing) -> dict[str, str]:
    return {stage.name: stage.state for stage in found.stages}


def test_what_is_done_and_what_could_be_made_is_listed_in_its_order(run: RunFolder) -> None:
    found = states(listed(run))
    assert list(found)[:4] == ["truth", "backgrounds", "statistics", "autoencoder"]
    done = {name for name, state in found.items() if state == "done"}
    assert done == {"truth", "backgrounds", "statistics", "covariance"}
    assert found["denoiser"] == "missing"


def test_of_a_run_with_all_cycles_the_report_is_missing_and_then_nothing(run: RunFolder) -> None:
    found = listed(run)
    assert "main           2 of 2 cycles, until 2000-01-06T00:00:00, three_d_var" in found.text
    assert (found.missing, found.command) == (
        "a report of all cycles",
        "align-da verify --name main --run here",
    )
    write_report_record(run.report, ReportRecord({"main": ""}, {"main": 1}, {}))
    assert listed(run).command == "align-da verify --name main --run here"
    write_report_record(run.report, ReportRecord({"main": ""}, {"main": 2}, {}))
    assert listed(run).command == "align-da cycle --name main --cycles MORE --run here"


def test_a_run_that_was_stopped_goes_on_next(run: RunFolder) -> None:
    path = ledger_path(run.cycles("main"))
    ledger = read_ledger(path)
    write_ledger(path, replace(ledger, cycles=ledger.cycles[:1]))
    found = listed(run)
    assert found.missing == "1 of 2 cycles of main"
    assert found.command == "align-da cycle --name main --run here"


def test_without_cycles_they_are_next(run: RunFolder) -> None:
    shutil.rmtree(run.root / "cycles")
    assert listed(run).command == "align-da cycle --run here"


def test_a_stage_that_cycles_need_comes_before_them_and_what_it_needs_before_it(
    run: RunFolder,
) -> None:
    (run.stages / "covariance.json").unlink()
    found = listed(run)
    assert states(found)["covariance"] == "unfinished"
    assert found.command == "align-da train covariance --run here"
    shutil.rmtree(run.weights("model_space_scaling"), ignore_errors=True)
    (run.stages / "statistics.json").unlink()
    assert listed(run).command == "align-da data statistics --run here"


def test_a_stage_of_other_settings_is_stale_and_says_which(run: RunFolder) -> None:
    found = listed(run, with_overrides(CONFIG, ["three_d_var.modes=5", "letkf.inflation=1.9"]))
    (stage,) = (stage for stage in found.stages if stage.name == "covariance")
    assert stage.state == "stale"
    assert stage.why == "three_d_var.modes: stored 4, now 5"
    assert found.command == "align-da train covariance --run here"


def test_a_stage_whose_input_was_made_anew_is_stale(run: RunFolder) -> None:
    record = read_stage_record(run, "statistics")
    now = datetime.now(UTC).isoformat()
    write_stage_record(run, replace(record, digest="of other backgrounds", finished=now))
    (stage,) = (stage for stage in listed(run).stages if stage.name == "covariance")
    assert (stage.state, stage.why) == ("stale", "what it was made of has been made anew")


def test_a_stage_of_other_code_is_stale_and_told_by_what_reads_it(run: RunFolder) -> None:
    record = read_stage_record(run, "truth")
    of_other_code = replace(record, digest="of other code", config=table_of(CONFIG))
    write_stage_record(run, of_other_code)
    (stage,) = (stage for stage in listed(run).stages if stage.name == "truth")
    assert (stage.state, stage.why) == ("stale", OTHER_CODE)
    for command in ("cycle", "verify"):
        told = check_work(command, CONFIG, run.root, "--run here", ["main"])
        assert told[0].startswith(f"the stage 'truth' of {run.root} is stale: {OTHER_CODE}.")
        assert "align-da data truth --run here makes it anew" in told[0]
        dry = foretell(command, CONFIG, run.root, "--run here", ["main"])
        assert f"  stale   truth: {OTHER_CODE}" in dry


def test_another_seed_of_the_cycles_makes_nothing_stale_that_they_read(run: RunFolder) -> None:
    record = read_stage_record(run, "backgrounds")
    digest = definition_digest(run, backgrounds_stage(CONFIG, run))
    write_stage_record(run, replace(record, digest=digest, config=table_of(CONFIG)))
    other = with_overrides(CONFIG, ["seed=17", "cycle.members=3"])
    (stage,) = (stage for stage in listed(run, other).stages if stage.name == "backgrounds")
    assert (stage.state, stage.why) == ("stale", f"seed: stored {CONFIG.seed}, now 17")
    assert check_work("cycle", other, run.root, "--run here", ["main"]) == []


def test_a_damaged_record_of_what_is_not_read_ends_nothing(run: RunFolder) -> None:
    write_durably(run.stages / "aligned.json", b"{")
    assert check_work("verify", CONFIG, run.root, "--run here", ["main"]) == []


def test_nothing_is_told_of_stages_that_are_as_they_would_be_made_now(run: RunFolder) -> None:
    assert check_work("cycle", CONFIG, run.root, "--run here", ["main"]) == []
    assert "stale" not in foretell("cycle", CONFIG, run.root, "--run here", ["main"])


def test_a_stage_whose_product_is_gone_is_stale(run: RunFolder) -> None:
    run.statistics.unlink()
    found = listed(run)
    assert states(found)["statistics"] == "stale"
    assert f"{run.statistics} is gone" in found.text


def test_cycles_whose_inputs_were_made_anew_say_so(run: RunFolder) -> None:
    record = read_stage_record(run, "backgrounds")
    write_stage_record(run, replace(record, digest="of another truth"))
    assert "three_d_var: made anew since it was begun: backgrounds" in listed(run).text


def test_a_damaged_ledger_hides_nothing_else(run: RunFolder) -> None:
    shutil.copy(ledger_path(run.cycles("main")), ledger_path(run.cycles("other")))
    write_durably(ledger_path(run.cycles("main")), b"{}\n")
    found = listed(run)
    assert [cycles.why[:7] for cycles in found.cycles] == ["DAMAGED", "DAMAGED"]
    assert states(found)["truth"] == "done"
    assert found.command == "align-da cycle --name ANOTHER --run here"


def test_what_a_cycle_costs_is_listed_where_it_is_recorded(run: RunFolder) -> None:
    store = run.cycles("main")
    begin_costs(store, 0)
    for number, seconds in enumerate((30.0, 0.5)):
        machine = Machine("a processor", 2, "cpu")
        append_cost(
            store, CycleCost(number, seconds, 2 * seconds, 2 * 10**9, number == 0, machine)
        )
    assert " 1 s of CPU time and 0.5 s a cycle, 2 GB at the peak\n" in listed(run).text
    assert json.loads(json.dumps(listed(run).table))["cycles"][0]["cost"]["cpu_seconds"] == 1.0
    costs_path(store).unlink()
    assert "CPU time" not in listed(run).text
    assert listed(run).table["cycles"][0]["cost"] is None


def test_the_listing_is_json_too(run: RunFolder) -> None:
    table = json.loads(json.dumps(listed(run).table))
    assert table["cycles"][0]["complete"] == 2
    assert {stage["name"]: stage["state"] for stage in table["stages"]}["truth"] == "done"
    assert table["command"].startswith("align-da verify")


def test_where_there_is_no_folder_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="found none: correct it, or begin a run by align-da"):
        list_run(CONFIG, tmp_path / "nowhere", "")
