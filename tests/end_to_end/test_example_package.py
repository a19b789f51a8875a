"""Parts of another package, installed and used from the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

PACKAGE = Path(__file__).parents[1] / "example_package"
CONFIG = Path(__file__).with_name("example_package.toml")
CYCLE = "cycle --name nudged"
COMMANDS = (
    "data truth",
    "data backgrounds --workers 1",
    "data statistics",
    "train autoencoder",
    "train denoiser",
    "align candidates",
    "align aligned",
    "benchmark",
    CYCLE,
    "cycle --name learned --set cycle.method=latent_score",
    "verify --name nudged --name learned",
)

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed, beside the environment of the tests."""
    source = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "package")
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*install, *options, str(source)], check=True)
    return target


@pytest.fixture(scope="module")
def run(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every command."""
    folder = tmp_path_factory.mktemp("run")
    for command in COMMANDS:
        done = align_da(command, folder, site)
        assert done.returncode == 0, done.stderr
    return folder


def align_da(command: str, run: Path, *site: Path) -> subprocess.CompletedProcess[str]:
    """One command in a process that finds what lies in `site`."""
    program = [sys.executable, "-c", "from align_da.cli import main; main()", *command.split()]
    return subprocess.run(
        [*program, "--run", str(run), "--config", str(CONFIG)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, site))},
        capture_output=True,
        text=True,
        check=False,
    )


def rmse_of(table: pd.DataFrame, method: str, variable: str) -> float:
    chosen = table[(table["score"] == "rmse") & (table["product"] == "analysis")]
    return float(chosen.set_index(["method", "variable"])["value"][method, variable].mean())


def test_the_foreign_variable_is_forecast_observed_and_analysed(run: Path) -> None:
    store = run / "cycles" / "nudged.zarr"
    analysis = xr.open_zarr(store, group="analysis", consolidated=False)
    assert analysis["ozone"].attrs["units"] == "kg kg-1"
    assert np.isfinite(analysis["ozone"]).all()
    rows = pd.read_csv(run / "report" / "benchmark" / "single_rows.csv")
    assert rmse_of(rows, "nudging", "O3") < rmse_of(rows, "background", "O3")


def test_the_foreign_guidance_is_a_method_of_the_benchmark(run: Path) -> None:
    rows = pd.read_csv(run / "report" / "benchmark" / "single_rows.csv")
    assert {"half_jfps reference", "half_jfps aligned", "nudging"} <= set(rows["method"])


def test_candidates_are_judged_by_the_foreign_reward(run: Path) -> None:
    candidates = xr.open_zarr(run / "candidates.zarr", consolidated=False)
    assert list(candidates.attrs["rewards"]) == ["accuracy", "smoothness"]
    smoothness = candidates["rewards"].isel(reward=1)
    assert float(smoothness.max()) < 0
    assert float(smoothness.std("candidate").min()) > 0


def test_the_manifest_names_package_version_and_digest_of_every_part(run: Path) -> None:
    manifest = json.loads((run / "cycles" / "nudged.manifest.json").read_text())
    parts = {name: value for name, value in manifest["inputs"].items() if "example 1.0" in name}
    assert set(parts) == {
        "analysis method nudging of align-da-example 1.0",
        "forecast model turning_world of align-da-example 1.0",
        "guidance half_jfps of align-da-example 1.0",
        "state variable ozone of align-da-example 1.0",
    }
    assert {len(digest) for digest in parts.values()} == {64}


def test_without_the_package_the_run_is_refused_and_what_is_missing_is_named(run: Path) -> None:
    done = align_da(CYCLE, run)
    assert done.returncode == 2
    for name in ("turning_world", "half_jfps", "smoothness", "nudging"):
        assert name in done.stderr


def test_with_another_version_of_the_package_the_run_is_refused(
    run: Path, site: Path, tmp_path: Path
) -> None:
    changed = shutil.copytree(site, tmp_path / "site")
    file = changed / "align_da_example" / "nudging.py"
    file.write_text(file.read_text() + "\n# changed\n")
    done = align_da(CYCLE, run, changed)
    assert done.returncode == 4
    assert "analysis method nudging of align-da-example 1.0" in done.stderr


def test_settings_of_a_foreign_part_are_checked_by_the_part(run: Path, site: Path) -> None:
    done = align_da(f"{CYCLE}_2 --set parts.nudging.strenth=0.2", run, site)
    assert done.returncode == 2
    assert "strenth" in done.stderr
