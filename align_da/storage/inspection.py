"""What a store or checkpoint is, where it came from and whether it is whole, in words or JSON.

What computes is imported where it is needed: cycles are described at once without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from align_da.errors import AlignDAError, StorageError
from align_da.storage.array_manifest import MANIFEST
from align_da.storage.cycle_costs import read_costs
from align_da.storage.ledger import CycleLine, read_ledger
from align_da.storage.manifest import Manifest, read_manifest
from align_da.storage.reads import changed_since
from align_da.storage.run_cost import summary_of_costs
from align_da.storage.run_folder import RunFolder
from align_da.storage.seal import damaged_chunks, seal_path
from align_da.storage.stage_record import finished_stages, read_stage_record
from align_da.storage.stages import check_products
from align_da.storage.store_files import open_array, read_array
from align_da.storage.store_places import costs_path, ledger_path, manifest_path
from align_da.storage.verification import verify_store

_TOLD = 20  # members that were replaced


@dataclass(frozen=True)
class Description:
    """What is known of an artefact.

    Attributes:
        text: a few lines; names every damage.
        whole: whether everything that carries a digest is as it was written.
        parts: what a folder holds, each described for itself.
    """

    text: str
    whole: bool = True
    parts: tuple["Description", ...] = ()

    @property
    def table(self) -> dict[str, Any]:
        """The same as JSON has it: a table, or one for every part of a folder."""
        if self.parts:
            return {"whole": self.whole, "parts": [part.table for part in self.parts]}
        title, *lines = self.text.splitlines()
        path, _, what = title.partition(": ")
        return {"path": path, "what": what, "whole": self.whole, "told": [*map(str.strip, lines)]}


def describe(path: Path) -> Description:
    """What lies at `path`, read in full.

    Args:
        path: a cycle store, gridded states, saved arrays (weights or a checkpoint), a folder of
            these, or a run folder, whose stages are then compared with what they made.

    Raises:
        StorageError: nothing that Align-DA writes is there.
    """
    if ledger_path(path).is_file():
        return _describe_cycles(path)
    if (path / MANIFEST).is_file():
        return _describe_arrays(path)
    if (path / "zarr.json").is_file():
        return _describe_states(path)
    found, folder = sorted(_artefacts(path)), RunFolder(path)
    stages = finished_stages(folder)
    if not found and not stages:
        message = f"expected a store, a checkpoint or a run folder at {path}, found none"
        raise StorageError(message)
    parts = [_described_or_not(artefact) for artefact in found]
    parts += [_describe_stages(folder, stages)] if stages else []
    text, whole = "\n\n".join(part.text for part in parts), all(part.whole for part in parts)
    return Description(text, whole, tuple(parts))


def _artefacts(path: Path) -> list[Path]:
    """Everything below a folder that can be described, not looking inside of it."""
    if not path.is_dir():
        return []
    found: list[Path] = []
    for child in path.iterdir():
        whole = (child / "zarr.json").is_file() or (child / MANIFEST).is_file()
        found += [child] if whole else _artefacts(child)
    return found


def _described_or_not(path: Path) -> Description:
    """The description, or what is wrong: one damaged artefact does not hide the others."""
    try:
        return describe(path)
    except AlignDAError as error:
        return Description(f"{path}: DAMAGED\n  {error}", whole=False)


def _describe_cycles(path: Path) -> Description:
    """A cycle store with its manifest, read in full and compared with its ledger."""
    damages = verify_store(path)
    lines = [f"{path}: cycles of an assimilation run"]
    if not damages:
        ledger, manifest = read_ledger(ledger_path(path)), read_manifest(manifest_path(path))
        times, size = [line.valid_time for line in ledger.cycles], manifest.config["store"]
        span = f", {times[0]} to {times[-1]}" if times else ""
        grid = f"{len(size['latitude'])} x {len(size['longitude'])}"
        levels = f"{len(size['levels'])} {size['vertical']} levels"
        digest = manifest.config_digest[:12]
        lines += [
            f"  complete: {len(times)} of {size['cycles']} cycles{span}",
            f"  {size['members']} members, {size['observations']} observations a cycle",
            f"  grid {grid}, {levels}",
            f"  variables: {', '.join(size['variables'])}",
            f"  code {manifest.code_version}, seed {manifest.seed}, configuration {digest}",
            *_listed("inputs", manifest.inputs),
            *_listed("libraries", manifest.libraries),
            *_replaced_members(path, ledger.cycles),
            *_learned_share(path, ledger.cycles),
            *_costs(path, len(times)),
        ]
        changed = _changed_since(path, manifest)
        whole = "  WHOLE: every array is as it was written"
        return _joined(*lines, whole, *changed, whole=not changed)
    named = [f"  {damage}" for damage in damages]
    return _joined(*lines, f"  DAMAGED in {len(damages)} places:", *named, whole=False)


def _changed_since(store: Path, manifest: Manifest) -> list[str]:
    """What the run of a store has loaded and is something else now, one line each."""
    return [
        f"  NOT WHAT THE RUN HAS LOADED: {path}: restore it from a copy to go on with this run"
        for path in changed_since(manifest.loaded, store.absolute().parents[1])
    ]


def _series(path: Path, cycles: Sequence[CycleLine], name: str) -> np.ndarray:
    """Some cycles of an array of a store that is whole; none if it has no such array."""
    if not any(name in line.arrays for line in cycles):
        return np.empty(0)
    array = open_array(path, name)
    return np.stack([read_array(array, line.cycle) for line in cycles])


def _replaced_members(path: Path, cycles: Sequence[CycleLine]) -> list[str]:
    """How many members were not plausible and were replaced; no line if none was."""
    if not _series(path, cycles[-1:], "diagnostics/replaced_members").any():  # so far
        return []
    told = []
    for product in ("background", "analysis"):
        reasons = _series(path, cycles, f"members/{product}_replaced")
        for cycle, member in np.argwhere(reasons > 0):
            told.append(f"{product} of cycle {cycle} member {member}")
    more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return [f"  replaced members: {len(told)}, {', '.join(told[:_TOLD])}{more}"]


def _learned_share(path: Path, cycles: Sequence[CycleLine]) -> list[str]:
    """How much of what a network has learned reached the analyses; no line without one."""
    shares = _series(path, cycles, "diagnostics/learned_share")
    shares = shares[np.isfinite(shares)]
    if not shares.size:
        return []
    low, high = float(shares.min()), float(shares.max())
    mean = f"{100 * float(shares.mean()):.3g} %"
    return [f"  learned: {mean} of the estimate reaches the analysis, {low:.3g} to {high:.3g}"]


def _costs(path: Path, complete: int) -> list[str]:
    """What the cycles have cost; nothing that is stored follows from it, and so it may be lost."""
    known = read_costs(path, complete)
    cost = summary_of_costs(known.cycles)
    told = [] if cost is None else [f"  cost of {cost.cycles} cycles that were recorded: {cost}"]
    if known.damaged:
        lines = f"{known.damaged} lines of {costs_path(path)}"
        told.append(f"  COSTS DAMAGED: {lines} are passed over; the cycles do not need them")
    return told


def _describe_arrays(path: Path) -> Description:
    """Weights or a checkpoint, every digest checked."""
    from align_da.storage.verified_arrays import read_arrays  # noqa: PLC0415 (it needs orbax)

    arrays, metadata = read_arrays(path)
    count = sum(array.size for array in arrays.values())
    size = sum(array.nbytes for array in arrays.values())
    return _joined(
        f"{path}: {len(arrays)} arrays, {count} numbers, {size} bytes",
        *_listed("metadata", metadata),
        "  WHOLE: every array is as it was written",
    )


def _describe_states(path: Path) -> Description:
    """Gridded states or other arrays; of those of others, without a seal, only the form."""
    from align_da.storage.datasets import read_dataset  # noqa: PLC0415 (as the next)
    from align_da.storage.gridded import open_states  # noqa: PLC0415 (it needs JAX)

    sealed, dataset = seal_path(path).is_file(), read_dataset(path)
    gridded = {"latitude", "longitude"} <= {*map(str, dataset.dims)}
    if gridded:
        open_states(path)
    sizes = ", ".join(f"{name} {size}" for name, size in dataset.sizes.items())
    lines = [
        f"{path}: {'gridded states' if gridded else 'arrays'}",
        f"  {sizes}",
        f"  variables: {', '.join(map(str, dataset.data_vars))}",
        *_listed("attributes", {str(key): value for key, value in dataset.attrs.items()}),
    ]
    if not sealed:
        return _joined(*lines, "  no seal: made by others or by an earlier version")
    damages = damaged_chunks(path)
    if not damages:
        return _joined(*lines, "  WHOLE: sealed, and every checksum holds")
    named = [f"  {damage}" for damage in damages]
    return _joined(*lines, f"  DAMAGED in {len(damages)} places:", *named, whole=False)


def _describe_stages(folder: RunFolder, names: Sequence[str]) -> Description:
    """What the stages of a run have made, compared with their records."""
    told = {name: _told_of_stage(folder, name) for name in names}
    lines = [f"  {name}: {text}" for name, (text, _) in told.items()]
    whole = all(as_made for _, as_made in told.values())
    return _joined(f"{folder.stages}: finished stages", *lines, whole=whole)


def _told_of_stage(folder: RunFolder, name: str) -> tuple[str, bool]:
    """What has become of the products of a stage, and whether nothing is wrong."""
    try:
        products = read_stage_record(folder, name).products
        check_products(folder, name)
    except StorageError as error:
        return f"DAMAGED: {error}", False
    if not products:
        return "done; its record, of an earlier version, does not say what it made", True
    return f"WHOLE: {', '.join(products)} as made", True


def _joined(*lines: str, whole: bool = True) -> Description:
    """Lines as a description."""
    return Description("\n".join(lines), whole)


def _listed(title: str, table: Mapping[str, Any]) -> list[str]:
    """A table as one line, none if it is empty."""
    return [f"  {title}: {', '.join(f'{k} {v}' for k, v in table.items())}"] if table else []
