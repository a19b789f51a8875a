"""How far the stages of a run have come, held against a configuration, and the command for each.

Records and places are looked at, contents are not: `align-da inspect` reads everything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from align_da.config import Config, config_from_table
from align_da.errors import ConfigError, StorageError
from align_da.runs import stage_graph
from align_da.runs.rounds import with_last_round, with_round
from align_da.runs.weight_names import FINE_TUNINGS
from align_da.runs.work import command_of
from align_da.storage.manifest import differences_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage, definition_digest
from align_da.storage.stage_record import (
    StageRecord,
    finished_stages,
    is_finished,
    read_stage_record,
)

DONE, STALE, UNFINISHED, MISSING = "done", "stale", "unfinished", "missing"
_MADE_ANEW = "what it was made of has been made anew"
OTHER_CODE = "made with other files or other code of a package than there are now"
_TOLD = 3  # differences


@dataclass(frozen=True)
class StageStanding:
    """How far a stage has come.

    Attributes:
        name: of the stage.
        state: DONE, STALE (made otherwise than it would be now, or a product is gone), UNFINISHED
            or MISSING.
        command: makes it, without "align-da" and its options; empty where that is not known.
        inputs: names of the stages that it builds on.
        why: what is to be told beside its state; nothing mostly.
        wall_seconds: time that the work took, if it is done.
    """

    name: str
    state: str
    command: str
    inputs: tuple[str, ...] = ()
    why: str = ""
    wall_seconds: float | None = None


def stages_standing(config: Config, folder: RunFolder) -> list[StageStanding]:
    """Every stage that this configuration has, and every other that has left a record, in order.

    Raises:
        StorageError: a record of one that is read is damaged.
    """
    declared = {stage.name: stage for stage in _declared(config, folder)}
    told = [standing_of(folder, stage) for stage in declared.values()]
    others = [name for name in finished_stages(folder) if name not in declared]
    return [*told, *(_of_record(folder, name) for name in others)]


def missing_for_cycles(
    config: Config, folder: RunFolder, stages: list[StageStanding]
) -> StageStanding | None:
    """The first stage that the cycles of this configuration need and that is not done.

    What lies below a stage that is done is not needed: shipped weights come without.
    """
    known = {stage.name: stage for stage in stages}
    for name in _needed_by_cycles(config, folder):
        found = _first_missing(folder, known, name)
        if found is not None:
            return found
    return None


def _first_missing(
    folder: RunFolder, known: Mapping[str, StageStanding], name: str
) -> StageStanding | None:
    """The stage, or the first below it, that is not done."""
    stage = known.get(name, StageStanding(name, MISSING, command_of(folder, name)))
    if stage.state == DONE:
        return None
    below = (_first_missing(folder, known, needed) for needed in stage.inputs)
    return next((found for found in below if found is not None), stage)


def stale_below(config: Config, folder: RunFolder, names: Iterable[str]) -> list[StageStanding]:
    """Of each of these stages the lowest below it, or itself, that would be made otherwise now.

    A run is cycled with several seeds: what was made with another one is as it would be.

    Raises:
        StorageError: a record of one that is read is damaged.
    """
    declared = {stage.name: stage for stage in _declared(config, folder)}
    known: dict[str, StageStanding] = {}
    left = [name for name in names if name in declared]
    while left:  # what is not read, and may be damaged, is not looked at
        name = left.pop()
        if name in declared and name not in known:
            stage = standing_of(folder, declared[name])
            known[name] = _with_own_seed(config, folder, stage) if stage.state == STALE else stage
            left += declared[name].inputs
    found = {name: _first_missing(folder, known, name) for name in names if name in known}
    stale = {stage.name: stage for stage in found.values() if stage and stage.state == STALE}
    return list(stale.values())


def _with_own_seed(config: Config, folder: RunFolder, stage: StageStanding) -> StageStanding:
    """How far a finished stage has come where the seed is that which it was made with."""
    seed = read_stage_record(folder, stage.name).config.get("seed", config.seed)
    if seed == config.seed:
        return stage
    declared = _declared(config.model_copy(update={"seed": seed}), folder)
    return next(standing_of(folder, one) for one in declared if one.name == stage.name)


def _needed_by_cycles(config: Config, folder: RunFolder) -> list[str]:
    """Stages whose results the cycles of [cycle] read."""
    try:
        last = with_last_round(config, folder)
    except StorageError:  # no round has been made
        last = with_round(config, 0)
    return stage_graph.inputs_of_cycles(last)


def _declared(config: Config, folder: RunFolder) -> Iterator[Stage]:
    """The stages that a configuration has, each after those that it builds on."""
    yield stage_graph.truth_stage(config, folder)
    if folder.map_correction.exists():
        yield stage_graph.coarse_backgrounds_stage(config, folder)
    else:
        yield stage_graph.backgrounds_stage(config, folder)
    yield stage_graph.statistics_stage(folder)
    yield stage_graph.autoencoder_stage(config, folder)
    if config.cycled_backgrounds.segments:
        yield stage_graph.cycled_stage(config, folder)
    yield stage_graph.denoiser_stage(config, folder)
    yield stage_graph.covariance_stage(config, folder)
    yield stage_graph.model_error_stage(config, folder)
    yield stage_graph.candidates_stage(config, folder)
    for what in FINE_TUNINGS:
        yield stage_graph.fine_tuning_stage(config, folder, what)
    rounds = range(config.correction.rounds)
    for number in takewhile(lambda number: _is_begun(folder, number), rounds):
        settings = with_round(config, number)
        yield stage_graph.closed_loop_stage(settings, folder)
        yield stage_graph.correction_stage(settings, folder)


def _is_begun(folder: RunFolder, number: int) -> bool:
    """Whether a round of learning in cycles has been made, or is being made."""
    return is_finished(folder, f"closed_loop_{number}") or any(
        folder.closed_loop(number, split).exists() for split in ("train", "validation")
    )


def standing_of(folder: RunFolder, stage: Stage) -> StageStanding:
    """How far a declared stage has come."""
    command, inputs = command_of(folder, stage.name), tuple(stage.inputs)
    if is_finished(folder, stage.name):
        record = read_stage_record(folder, stage.name)
        state, why = _judged(folder, stage, record)
        return StageStanding(stage.name, state, command, inputs, why, record.wall_seconds)
    trained = (path.name for path in stage.products if path.parent == folder.root / "weights")
    left = (
        *stage.products,
        *map(folder.checkpoints, trained),
        folder.stages / f"{stage.name}.lock",
    )
    if any(path.exists() for path in left):
        return StageStanding(stage.name, UNFINISHED, command, inputs, "no record says it is done")
    return StageStanding(stage.name, MISSING, command, inputs)


def _judged(folder: RunFolder, stage: Stage, record: StageRecord) -> tuple[str, str]:
    """Whether a finished stage is what it would be now, and why not."""
    gone = [path for path in stage.products if not path.exists()]
    if gone:
        return STALE, f"{gone[0]} is gone"
    if not all(is_finished(folder, name) for name in stage.inputs):
        return DONE, "what it was made of is not here"
    if definition_digest(folder, stage) == record.digest:
        return DONE, ""
    if not stage.config:
        return STALE, _MADE_ANEW
    if not record.config:
        return DONE, "by an earlier version, with other settings or of other inputs than these"
    return STALE, _why_stale(folder, stage, record)


def _why_stale(folder: RunFolder, stage: Stage, record: StageRecord) -> str:
    """Settings that are others than those that a stage was made with, or that inputs are."""
    try:
        own = config_from_table(record.config)
    except ConfigError:
        return "made by another version"
    then = {made.name: made for made in _declared(own, folder)}
    if stage.name in then and definition_digest(folder, then[stage.name]) != record.digest:
        below = (read_stage_record(folder, name) for name in stage.inputs)
        anew = any(one.finished > record.finished for one in below)
        return _MADE_ANEW if anew else OTHER_CODE
    names = [name for name in stage.config if _defines(name, folder, stage, record)]
    was, now = ({name: of[name] for name in names} for of in (record.config, stage.config))
    lines = differences_of(was, now)
    more = f" and {len(lines) - _TOLD} more" if len(lines) > _TOLD else ""
    return f"{'; '.join(lines[:_TOLD])}{more}"


def _defines(name: str, folder: RunFolder, stage: Stage, record: StageRecord) -> bool:
    """Whether a stage would be another with what its record says of a section, or of the seed."""
    if name not in record.config or record.config[name] == stage.config[name]:
        return False
    try:
        other = config_from_table({**stage.config, name: record.config[name]})
    except ConfigError:  # of two sections that go together
        return True
    then = {made.name: made for made in _declared(other, folder)}
    known = definition_digest(folder, stage)
    return stage.name not in then or definition_digest(folder, then[stage.name]) != known


def _of_record(folder: RunFolder, name: str) -> StageStanding:
    """A finished stage that the configuration does not have."""
    record = read_stage_record(folder, name)
    gone = [place for place in record.products if not (folder.root / place).exists()]
    state, why = (STALE, f"{folder.root / gone[0]} is gone") if gone else (DONE, "")
    command = command_of(folder, name)
    return StageStanding(name, state, command, tuple(record.inputs), why, record.wall_seconds)
