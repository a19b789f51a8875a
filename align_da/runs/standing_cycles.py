"""How far the cycling runs of a run have come, as their ledgers and manifests say."""

from dataclasses import dataclass
from pathlib import Path

from align_da.errors import StorageError
from align_da.storage.ledger import read_ledger
from align_da.storage.manifest import read_manifest
from align_da.storage.run_cost import RunCost, cost_of_run
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import digest_of_stage
from align_da.storage.stage_record import is_finished
from align_da.storage.store_places import ledger_path, manifest_path

_LEDGER = ledger_path(Path("store")).name.removeprefix("store")


@dataclass(frozen=True)
class CyclesStanding:
    """How far a cycling run has come.

    Attributes:
        name: of the cycles.
        complete: cycles that are done.
        cycles: cycles in all.
        method: the analysis method.
        valid_time: of the last complete cycle, ISO 8601; empty where there is none.
        why: what is wrong or has changed; nothing mostly.
        goes_on: whether the run that is not complete could go on.
        cost: of a cycle; none where nothing was recorded.
    """

    name: str
    complete: int
    cycles: int
    method: str
    valid_time: str
    why: str = ""
    goes_on: bool = True
    cost: RunCost | None = None

    @property
    def done(self) -> bool:
        """Whether every cycle is complete."""
        return 0 < self.complete == self.cycles


def cycles_standing(folder: RunFolder) -> list[CyclesStanding]:
    """Every cycling run, in the order of their names."""
    ledgers = sorted((folder.root / "cycles").glob(f"*{_LEDGER}"))
    return [_standing(folder, ledger.name.removesuffix(_LEDGER)) for ledger in ledgers]


def _standing(folder: RunFolder, name: str) -> CyclesStanding:
    """How far a run has come; one that is damaged says so."""
    store = folder.cycles(name)
    try:
        done = read_ledger(ledger_path(store)).cycles
        manifest = read_manifest(manifest_path(store))
        cost = cost_of_run(store, len(done))
        changed = [
            stage
            for stage, digest in manifest.inputs.items()
            if is_finished(folder, stage) and digest_of_stage(folder, stage) != digest
        ]
    except StorageError as error:
        return CyclesStanding(name, 0, 0, "", "", f"DAMAGED: {error}", goes_on=False)
    last = done[-1].valid_time if done else ""
    sizes, method = manifest.config["store"], manifest.config.get("cycle", {}).get("method", "")
    why = f"made anew since it was begun: {', '.join(changed)}" if changed else ""
    return CyclesStanding(name, len(done), sizes["cycles"], method, last, why, not changed, cost)
