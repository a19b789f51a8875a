"""List what there is of a run, what is missing next, and the command for it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from align_da.config import Config
from align_da.runs.standing import (
    MISSING,
    StageStanding,
    missing_for_cycles,
    stages_standing,
)
from align_da.runs.standing_cycles import CyclesStanding, cycles_standing
from align_da.runs.work import in_full
from align_da.storage.report_record import read_report_record
from align_da.storage.run_folder import RunFolder


@dataclass(frozen=True)
class RunListing:
    """What there is of a run.

    Attributes:
        root: folder of the run.
        stages: in the order in which they are made.
        cycles: the cycling runs.
        missing: what is missing next, in words; empty where nothing is.
        command: the command for it, in full.
    """

    root: Path
    stages: Sequence[StageStanding]
    cycles: Sequence[CyclesStanding]
    missing: str
    command: str

    @property
    def table(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "run": str(self.root),
            "stages": [asdict(stage) for stage in self.stages],
            "cycles": [asdict(cycles) for cycles in self.cycles],
            "missing": self.missing,
            "command": self.command,
        }

    @property
    def text(self) -> str:
        """All of it in lines."""
        lines = [str(self.root), "  stages", *map(_line_of_stage, self.stages), "  cycles"]
        lines += [*map(_line_of_cycles, self.cycles)] or ["    none"]
        return "\n".join([*lines, f"  missing next: {self.missing}", f"    {self.command}"])


def list_run(config: Config, folder: Path, options: str) -> RunListing:
    """What there is of a run, held against a configuration.

    Args:
        config: the configuration.
        folder: of the run.
        options: what names the run and the configuration, for the command that is told.

    Raises:
        StorageError: there is no run, or the record of a stage is damaged.
    """
    run = RunFolder(folder)
    run.check_there()
    stages, cycles = stages_standing(config, run), cycles_standing(run)
    missing, command = next(_steps(config, run, stages, cycles))
    return RunListing(folder, stages, cycles, missing, in_full(command, options))


def _steps(
    config: Config,
    folder: RunFolder,
    stages: list[StageStanding],
    cycles: Sequence[CyclesStanding],
) -> Iterator[tuple[str, str]]:
    """What is missing, in words, and the command for it without its options, the next first."""
    needed = missing_for_cycles(config, folder, stages)
    if needed is not None:
        yield f"the stage {needed.name}", needed.command
    for run in cycles:
        if run.goes_on and not run.done:
            left = f"{run.cycles - run.complete} of {run.cycles} cycles of {run.name}"
            yield left, f"cycle --name {run.name}"
    if not cycles:
        yield "cycles", "cycle"
    whole = [run.name for run in cycles if run.done]
    record = read_report_record(folder.report)
    scored = {} if record is None else record.cycles
    if any(run.done and scored.get(run.name) != run.cycles for run in cycles):
        yield "a report of all cycles", f"verify {' '.join(f'--name {name}' for name in whole)}"
    if whole:
        yield "nothing; cycles can follow", f"cycle --name {whole[0]} --cycles MORE"
    yield "cycles under another name: none of these can go on", "cycle --name ANOTHER"


def _line_of_stage(stage: StageStanding) -> str:
    """One line of a stage."""
    time = "" if stage.wall_seconds is None else f", {stage.wall_seconds:.0f} s"
    why = f": {stage.why}" if stage.why else ""
    how = f" (align-da {stage.command})" if stage.state == MISSING else ""
    return f"    {stage.name:<14} {stage.state}{time}{why}{how}"


def _line_of_cycles(run: CyclesStanding) -> str:
    """A line of a cycling run, and one of its cost where that is recorded."""
    until = f", until {run.valid_time}" if run.valid_time else ""
    why = f": {run.why}" if run.why else ""
    cost = f"\n    {'':<14} {run.cost}" if run.cost else ""
    done = f"{run.complete} of {run.cycles} cycles"
    return f"    {run.name:<14} {done}{until}, {run.method}{why}{cost}"
