"""What experiments take of the reports of a run, and what they keep of it."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from align_da.config import load_config
from experiments.densities import run as densities
from experiments.downscaling import tables as downscaling
from experiments.embedded_world import tables as embedded_world
from experiments.embedded_world.stages import STAGES
from experiments.kills.run import complete
from experiments.letkf import tune as letkf
from experiments.options import CONFIG, run_options
from experiments.results import read_result, read_scores, scores_in, tidy

RANDOM = np.random.default_rng(0)
NAMES = ("u", "v", "T", "q", "p_s")


def rows(methods: tuple[str, ...], products: tuple[str, ...], dates: int = 8) -> pd.DataFrame:
    scores = ("rmse", "crps", "spread", "bias")
    places = itertools.product(range(dates), methods, products, NAMES, scores)
    return tidy((*place, 1 + 0.1 * RANDOM.random()) for place in places)


def write(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)


def test_the_scores_of_a_run_are_kept_with_the_tables_made_of_them(tmp_path: Path) -> None:
    run, folder = tmp_path / "run", tmp_path / "kept"
    cycles = rows(("letkf_20", "align_da_20"), ("background", "analysis"))
    write(run / "report" / "cycle_scores.csv", cycles)
    single = rows(("background", "JFPS, reference"), ("analysis",))
    write(run / "report" / "benchmark" / "density_5_rows.csv", single)
    embedded_world.keep(run, "peers", folder)
    assert list(scores_in(folder)) == ["density_5", "peers"]
    kept = read_scores(scores_in(folder)["peers"])
    assert set(kept["date"]) == set(range(8))
    assert "bias" not in set(kept["score"])
    found = read_result(folder / "results" / "peers.csv").set_index(
        ["product", "variable", "score", "method"]
    )
    later = cycles[(cycles["date"] >= 4) & (cycles["method"] == "align_da_20")]
    chosen = later.query("product == 'analysis' and variable == 'u' and score == 'rmse'")
    value = found.loc[("analysis", "u", "rmse", "align_da_20"), "mean"]
    assert value == pytest.approx(chosen["value"].mean(), rel=1e-5)


def test_what_a_cycle_has_cost_is_kept_beside_its_scores(tmp_path: Path) -> None:
    report = tmp_path / "run" / "report"
    names = ("letkf_20", "letkf_20_seed_1", "earlier", "earlier_seed_1")
    write(report / "cycle_scores.csv", rows(names, ("background", "analysis")))
    told = [("letkf_20", 2.0, 3e9), ("letkf_20_seed_1", 4.0, 5e9), ("earlier", None, None)]
    write(
        report / "cycle_costs.csv",
        pd.DataFrame(told, columns=["method", "cpu_seconds", "peak_bytes"]),
    )
    embedded_world.keep(tmp_path / "run", "peers", tmp_path)
    found = read_result(tmp_path / "results" / "peers.csv").query("variable == 'state'")
    told_of = found[["product", "method", "score", "mean"]].itertuples(index=False, name=None)
    assert set(told_of) == {
        ("analysis", "letkf_20", "cpu_seconds", 3.0),
        ("analysis", "letkf_20", "megabytes", 4000.0),
    }


def test_settings_of_the_network_are_overrides_of_the_configuration() -> None:
    changes = densities.changed(load_config(CONFIG), 0.02, 2.0)
    config = load_config(CONFIG, changes)
    assert config.observations.density == 0.02
    usual = load_config(CONFIG).observations
    assert config.observations.temperature_error == 2 * usual.temperature_error
    assert config.observations.wind_error == 2 * usual.wind_error


def test_densities_read_the_errors_of_analyses(tmp_path: Path) -> None:
    write(densities.rows_of(tmp_path, 0.05, 1.0), rows(("background",), ("analysis", "other")))
    found = densities.read_rows(tmp_path, 0.05, 1.0)
    assert set(found["score"]) == {"rmse"}
    assert set(found["product"]) == {"analysis"}
    assert len(found) == 8 * len(densities.VARIABLES)
    assert (found["density"] == 0.05).all()


def test_what_two_calls_of_downscaling_share_counts_once(tmp_path: Path) -> None:
    report = tmp_path / "report" / "downscaling"
    first = rows(("bilinear", "reference, both"), ("grid", "stations"))
    second = rows(("bilinear", "static, both"), ("grid", "stations"))
    write(report / "test_rows.csv", first)
    write(report / "static_rows.csv", second)
    found = downscaling.read_rows(tmp_path, ["test", "static"])
    keys = ["date", "method", "product", "variable", "score"]
    assert not found.duplicated(keys).any()
    assert set(found["method"]) == {"bilinear", "reference, both", "static, both"}
    assert set(found["variable"]) == set(downscaling.VARIABLES)


def test_every_setting_of_the_letkf_is_a_configuration() -> None:
    settings = letkf.settings_of(20, 30)
    assert len(settings) == len(letkf.GRIDS[20])
    for name, changes in settings.items():
        config = load_config(CONFIG, changes)
        assert config.cycle.method == "letkf"
        assert f"{config.letkf.radius_km:g}" == name.split("_")[2]
        assert config.letkf.relaxation == float(name.split("_")[-1])


def test_settings_of_the_letkf_are_ordered_by_the_error_of_the_wind() -> None:
    table = rows(("one", "two"), ("background",))
    table.loc[table["method"] == "one", "value"] += 1.0
    found = letkf.result(table[table["score"].isin(["rmse", "spread"])])
    assert found["method"].tolist() == ["two", "one"]
    assert "u_rmse" in letkf.show(table[table["score"].isin(["rmse", "spread"])])


def test_commands_of_the_chain_are_commands_of_the_configuration() -> None:
    for stage in itertools.chain(*STAGES.values()):
        words = stage.split()
        changes = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        load_config(CONFIG, changes)


def test_a_store_that_is_not_made_has_no_cycles(tmp_path: Path) -> None:
    assert complete(tmp_path / "killed.zarr") == 0


def test_experiments_on_a_run_share_their_options(tmp_path: Path) -> None:
    parsed = run_options("An experiment.", tmp_path).parse_args(["runs/a", "--set", "seed=1"])
    assert parsed.run == Path("runs/a")
    assert parsed.config == CONFIG
    assert parsed.set == ["seed=1"]
    assert parsed.folder == tmp_path
