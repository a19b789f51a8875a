from pathlib import Path

import pytest

from align_da.errors import ConfigError
from align_da.storage.run_folder import RunFolder


def test_everything_lies_below_the_root() -> None:
    folder = RunFolder(Path("runs/one"))
    assert folder.cycles("dps-0.5") == Path("runs/one/cycles/dps-0.5.zarr")
    assert folder.weights("aligned") == Path("runs/one/weights/aligned")


@pytest.mark.parametrize("name", ["", "..", "../other", "a/b", ".hidden", "a\0b", "/etc"])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="expected a name"):
        RunFolder(Path("runs/one")).cycles(name)
