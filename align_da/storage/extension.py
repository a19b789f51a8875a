"""Room for more cycles in a store that has all of its own: afterwards it is as one made so long.

The arrays, the manifest and every line of the ledger know how many cycles there are, the chunks of
a cycle do not. What knows it is made anew beside the store, in `NAME.extension`, and flushed;
from then on the store is extended, and whoever opens it to write puts those files in their places,
the ledger last. A process that is killed on the way leaves what the next one goes on with.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from align_da.errors import ConfigError, StorageError
from align_da.storage.cycle_record import StoreTemplate
from align_da.storage.digest import digest_of_file, digests_of_files
from align_da.storage.durable import remove_folder, write_errors, written_whole
from align_da.storage.ledger import Ledger, read_ledger, write_ledger
from align_da.storage.manifest import Manifest, check_manifest, read_manifest, write_manifest
from align_da.storage.store_files import check_files
from align_da.storage.store_places import extension_path, ledger_path, manifest_path
from align_da.storage.store_template import check_disk, provenance, write_template

_OF_LENGTH = {"cycle": ("cycles",), "store": ("cycles", "last_time")}
"""What of a manifest follows from the number of cycles, by section."""


def extend_store(path: Path, template: StoreTemplate, manifest: Manifest) -> None:
    """Give a store room for as many cycles as the template has; the caller owns its lock.

    Args:
        path: the store.
        template: size and content that it is to have.
        manifest: what defines the run with so many cycles, see `analysis_store.open_store`.

    Raises:
        ConfigError: it has more cycles.
        StorageError: the run differs in more than the number of its cycles, the store is damaged,
            or the rest does not fit on the disk.
    """
    finish_extension(path)
    manifest = replace(manifest, config={**manifest.config, "store": template.summary()})
    stored, ledger = read_manifest(manifest_path(path)), read_ledger(ledger_path(path))
    before, now = int(stored.config["store"]["cycles"]), len(template.times)
    if now < before:
        message = (
            f"{path} has {before} cycles, {len(ledger.cycles)} of them complete: expected at "
            f"least as many, got {now}; choose another name for a shorter run"
        )
        raise ConfigError(message)
    as_long = {**manifest.config, **_lengths_of(stored.config, manifest.config)}
    check_manifest(manifest_path(path), replace(manifest, config=as_long))
    check_files(path, ledger)
    if now > before:
        check_disk(path, template, now - len(ledger.cycles))
        _prepare(path, template, manifest, ledger)
        finish_extension(path)


def finish_extension(path: Path) -> None:
    """Put in their places the files of an extension that was begun, if there are any.

    Raises:
        StorageError: one cannot be written.
    """
    made, ledger = extension_path(path), ledger_path(path).name
    files = sorted(file for file in made.rglob("*") if file.is_file())
    for file in sorted(files, key=lambda file: file.name == ledger):  # the ledger is the last
        with written_whole(path.parent / file.relative_to(made)) as unfinished:
            shutil.copyfile(file, unfinished)
    remove_folder(made)


def _prepare(path: Path, template: StoreTemplate, manifest: Manifest, ledger: Ledger) -> None:
    """Make everything that knows the number of cycles, under a name that says that it is whole."""
    with written_whole(extension_path(path)) as unfinished, write_errors(path):
        unfinished.mkdir()
        write_template(unfinished / path.name, template, provenance(manifest))
        write_manifest(unfinished / manifest_path(path).name, manifest)
        files = {
            manifest_path(path).name: digest_of_file(unfinished / manifest_path(path).name)
        } | {
            f"{path.name}/{name}": digest
            for name, digest in digests_of_files(unfinished / path.name).items()
        }
        if set(files) != set(ledger.files):
            message = (
                f"{path} was made by another version, whose stores have other arrays: it can be "
                "read but not extended; choose another name"
            )
            raise StorageError(message)
        write_ledger(unfinished / ledger_path(path).name, Ledger(files, ledger.cycles))


def _lengths_of(stored: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Sections of a configuration with the number of cycles that is stored."""
    return {
        name: {**now[name], **{key: stored[name][key] for key in keys if key in stored[name]}}
        for name, keys in _OF_LENGTH.items()
        if name in stored and name in now
    }
