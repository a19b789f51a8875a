"""Tell what a command would do, and what that takes, without doing it.

Disk follows from shapes. Time and memory are estimated by what this very run has recorded of the
same stage, of the round before or of the cycles that are complete; where it has recorded nothing
they are not known, and nothing else takes their place.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from align_da.config import Config
from align_da.parallel.progress import in_words
from align_da.runs.standing import DONE, stale_below, standing_of
from align_da.runs.standing_cycles import CyclesStanding, cycles_standing
from align_da.runs.work import Need, Work, in_full, work_of
from align_da.stages.disk_of_work import Bytes, disk_of_work
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stage_record import StageRecord, is_finished, read_stage_record

DiskOf = Callable[[Config, Path], Bytes]
_THOUSAND = 1000
_UNKNOWN = "not known: this run has recorded none"


def foretell(
    command: str,
    config: Config,
    folder: Path,
    options: str,
    cycles: Sequence[str] = (),
    rounds: int | None = None,
    disk_of: DiskOf | None = None,
) -> str:
    """What a command would do, in lines.

    Args:
        command: without "align-da" and its options.
        config: the configuration.
        folder: of the run.
        options: what names the run and its configuration, for commands that are told.
        cycles: names of the cycling runs that it is about.
        rounds: of "data rounds".
        disk_of: what the command writes, where the pipelines know.

    Raises:
        StorageError: what the run has recorded is damaged.
        ConfigError: segments have no room for a further round, or cycles do not fit to the run.
    """
    run = RunFolder(folder)
    work = work_of(command, config, run, cycles, rounds)
    if command == "cycle":
        lines = _of_cycles(config, run, cycles[0])
    else:
        lines = _of_stages(command, config, run, work, disk_of)
    return "\n".join(
        [
            f"align-da {command}, in {folder}: nothing is done, this is what would be",
            *(f"  reads   {_line_of(need, options)}" for need in work.needs),
            *(f"  stale   {one.name}: {one.why}" for one in stale_below(config, run, work.reads)),
            *lines,
        ]
    )


def _of_stages(
    command: str, config: Config, run: RunFolder, work: Work, disk_of: DiskOf | None
) -> Iterator[str]:
    """What a command that makes stages, or tables, would do."""
    standing = [standing_of(run, stage) for stage in work.stages]
    for stage in standing:
        why = f": {stage.why}" if stage.why else ""
        yield f"  makes   {stage.name}, which is {stage.state}{why}"
    left = [
        stage for stage, found in zip(work.stages, standing, strict=True) if found.state != DONE
    ]
    if work.stages and not left:
        yield "  nothing is left to do"
        return
    disk = disk_of(config, run.root) if disk_of else disk_of_work(command, config, run.root, 0)
    yield f"  disk    {_in_words(disk)}"
    known = [_alike(run, stage) for stage in left]
    records = [record for record in known if record is not None]
    if not records or len(records) < len(left):
        yield f"  time    {_UNKNOWN}"
    else:
        seconds = sum(record.wall_seconds for record in records)
        yield f"  time    about {in_words(seconds)}: an estimate, what {_names(records)} took"
    peaks = [record.peak_bytes for record in records if record.peak_bytes]
    if not peaks or len(peaks) < len(left):
        yield f"  memory  {_UNKNOWN}"
    else:
        took = f"an estimate, the largest process of {_names(records)}"
        yield f"  memory  about {_size(max(peaks))}: {took}"


def _of_cycles(config: Config, run: RunFolder, name: str) -> Iterator[str]:
    """What the cycles of a run would do."""
    found = {cycles.name: cycles for cycles in cycles_standing(run)}
    known = found.get(name, CyclesStanding(name, 0, config.cycle.cycles, "", ""))
    left = max(0, config.cycle.cycles - known.complete)
    why = f"; {known.why}" if known.why else ""
    yield f"  makes   {left} cycles of {name}, {known.complete} are complete{why}"
    if left == 0:
        yield "  nothing is left to do"
        return
    yield f"  disk    {_in_words(disk_of_work('cycle', config, run.root, left))}"
    cost = known.cost
    if cost is None:
        yield f"  time    {_UNKNOWN}"
        yield f"  memory  {_UNKNOWN}"
    else:
        told = f"an estimate, {cost.wall_seconds:.3g} s a cycle as those before"
        yield f"  time    about {in_words(left * cost.wall_seconds)}: {told}"
        told = "an estimate, the largest process of the cycles before"
        yield f"  memory  about {_size(cost.peak_bytes)}: {told}"


def _alike(run: RunFolder, stage: Stage) -> StageRecord | None:
    """What was recorded when this stage was made last, or that of the nearest round before."""
    prefix, _, number = stage.name.rpartition("_")
    before = (
        [f"{prefix}_{n}" for n in range(int(number) - 1, -1, -1)] if number.isdecimal() else []
    )
    made = (name for name in (stage.name, *before) if is_finished(run, name))
    return next((read_stage_record(run, name) for name in made), None)


def _line_of(need: Need, options: str) -> str:
    if need.there:
        return f"{need.what}: there"
    how = f", {in_full(need.command, options)}" if need.command else ""
    return f"{need.what}: MISSING{how}"


def _names(records: Sequence[StageRecord]) -> str:
    return ", ".join(dict.fromkeys(record.stage for record in records))


def _in_words(disk: Bytes) -> str:
    """Sizes in words."""
    if not disk:
        return "not known before: tables, or shapes that nothing has told yet"
    parts = "; ".join(f"{what}: {_size(size)}" for what, size in disk.items())
    return f"{parts} (not compressed)"


def _size(size: int) -> str:
    """Bytes as one says them."""
    if size < _THOUSAND:
        return f"{size} bytes"
    left, unit = size / _THOUSAND, iter(("kB", "MB", "GB", "TB"))
    name = next(unit)
    while left >= _THOUSAND and name != "TB":
        left, name = left / _THOUSAND, next(unit)
    return f"{left:.3g} {name}"
