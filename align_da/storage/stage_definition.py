"""What a stage is defined by and what it makes, and the digests of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from align_da.digests import digest_of
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import read_stage_record


@dataclass(frozen=True)
class Stage:
    """What a stage is defined by and what it makes.

    Attributes:
        name: of the stage and its record.
        defined_by: configuration sections, numbers and strings that define the result.
        inputs: names of the stages whose products are read.
        products: files and folders that are made, below the folder of the run.
        config: the configuration in full, to be kept with the record; it defines nothing.
    """

    name: str
    defined_by: Sequence[object]
    inputs: Sequence[str]
    products: Sequence[Path]
    config: Mapping[str, Any] = field(default_factory=dict)


def definition_digest(folder: RunFolder, stage: Stage) -> str:
    """The digest of what defines a stage: its sections, and the products it builds on.

    Raises:
        StorageError: an input has not been made, or its record is damaged.
    """
    inputs = [digest_of_stage(folder, name) for name in stage.inputs]
    return digest_of(stage.name, *stage.defined_by, inputs)


def digest_of_stage(folder: RunFolder, name: str) -> str:
    """The digest of a finished stage: of its definition and of what it has made.

    Raises:
        StorageError: the stage has not been finished, or its record is damaged.
    """
    record = read_stage_record(folder, name)
    if not record.products:
        return record.digest
    return digest_of(
        record.digest, sorted((path, made.sha256) for path, made in record.products.items())
    )
