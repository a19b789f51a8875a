"""Statistics are reduced a block at a time; by several workers in tests/faults/test_workers.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from align_da.config import Config
from align_da.storage.gridded import open_states
from align_da.storage.run_folder import RunFolder
from data_pipelines import statistics
from data_pipelines.statistics import write_statistics


def written(config: Config, folder: Path) -> bytes:
    with Progress(disable=True) as bar:
        write_statistics(config.world, folder, 1, bar)
    return RunFolder(folder).statistics.read_bytes()


@pytest.mark.slow
def test_blocks_give_the_moments_of_all_states_together(
    folder: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "states_within", lambda _layout: 7)
    found = json.loads(written(config, folder))
    truth = open_states(RunFolder(folder).truth)["lorenz_96"].to_numpy().astype(np.float64)
    training = truth[: 4 * config.world.train_days]
    assert found["states"]["mean"][0] == pytest.approx(training.mean(), rel=1e-12)
    assert found["states"]["std"][0] == pytest.approx(training.std(), rel=1e-12)
    changes = (training[4:].astype(np.float32) - training[:-4].astype(np.float32)).astype(float)
    assert found["differences_24h"]["std"][0] == pytest.approx(changes.std(), rel=1e-12)
