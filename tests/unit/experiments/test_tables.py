"""Tables made of scores by date."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from align_da.errors import InputError
from align_da.verification.table_format import to_markdown
from experiments import recompute
from experiments.calibration import tables as calibration
from experiments.check import HERE
from experiments.commands import align_da, command_of
from experiments.densities import tables as densities
from experiments.downscaling import tables as downscaling
from experiments.embedded_world import tables as embedded_world
from experiments.long_cycles import tables as long_cycles
from experiments.lorenz import tables as lorenz
from experiments.own_times import tables as own_times
from experiments.results import read_result, read_scores, scores_in, tidy
from experiments.rounds import tables as rounds

DATES = range(12)
RANDOM = np.random.default_rng(0)


def scores(
    methods: dict[str, float], products: tuple[str, ...], variables: tuple[str, ...]
) -> pd.DataFrame:
    """Scores about a mean for each method, rows as those of a run."""
    rows = itertools.product(DATES, methods, products, variables, ("rmse", "crps", "spread"))
    return tidy((*row, methods[row[1]] + 0.01 * RANDOM.normal()) for row in rows)


def test_the_table_of_lorenz_is_that_of_the_scores_that_are_kept() -> None:
    (path,) = scores_in(HERE / "lorenz").values()
    again, kept = lorenz.result(read_scores(path)), read_result(HERE / "lorenz/results/peers.csv")
    pd.testing.assert_frame_equal(again, kept, rtol=1e-5)
    page = (HERE / "lorenz" / "README.md").read_text()
    assert lorenz.show(read_scores(path)).strip() in page


def test_the_table_of_own_times_is_that_of_the_scores_that_are_kept() -> None:
    (path,) = scores_in(HERE / "own_times").values()
    page = (HERE / "own_times" / "README.md").read_text()
    assert own_times.show(read_scores(path)).strip() in page


@pytest.mark.parametrize(
    "run",
    [
        *("closed_loop", "shipped", "shipped_outage", "shipped_quarter"),
        *("shipped_density_2", "shipped_density_10", "shipped_radiosonde"),
    ],
)
def test_the_tables_of_thirty_days_are_those_of_the_scores_that_are_kept(run: str) -> None:
    folder = HERE / "embedded_world"
    kept, page = read_result(folder / "results" / f"{run}.csv"), (folder / "README.md").read_text()
    for columns in (embedded_world.ERRORS, embedded_world.REST):
        assert to_markdown(embedded_world.side_by_side(kept, "analysis", columns)) in page
    rows = embedded_world.counted(embedded_world.over_seeds(read_scores(scores_in(folder)[run])))
    places = ["product", "variable", "score", "method"]
    means = kept.set_index(places)["mean"].drop("spread_skill", level="score")
    again = rows.groupby(places)["value"].mean()
    pd.testing.assert_series_equal(again, means, check_names=False, check_like=True, rtol=1e-5)


def test_the_tables_of_a_year_are_those_of_the_scores_that_are_kept() -> None:
    folder = HERE / "long_cycles"
    rows, kept = read_scores(scores_in(folder)["year"]), read_result(folder / "results/year.csv")
    page = (folder / "README.md").read_text()
    for columns in (embedded_world.ERRORS, embedded_world.REST):
        assert to_markdown(embedded_world.side_by_side(kept, "analysis", columns)) in page
    means = kept.set_index(["product", "variable", "score", "method"])["mean"]
    again = long_cycles.counted(rows).groupby(means.index.names)["value"].mean()
    rest = means.drop("spread_skill", level="score")
    pd.testing.assert_series_equal(again, rest, check_names=False, check_like=True, rtol=1e-5)
    quarters = long_cycles.by_season(rows)
    assert long_cycles.in_percent(quarters) in page
    assert (quarters[[*embedded_world.VARIABLES]] > 0).all(axis=None)


def test_what_a_run_has_cost_has_no_interval() -> None:
    rows = scores({"letkf_20": 2.0, "align_da": 1.0}, ("analysis",), ("state",))
    summary = embedded_world.summarised(rows, "letkf_20")
    told = embedded_world.without_intervals(summary, ["rmse"]).set_index(["score", "method"])
    assert told.loc[("rmse", "align_da"), "improvement"] > 0
    assert pd.isna(told.loc[("rmse", "align_da"), ["improvement_low", "verdict"]]).all()
    assert told.loc[("crps", "align_da"), "verdict"] == "better"


def test_recompute_prints_the_tables_of_every_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["recompute", "lorenz"])
    recompute.main()
    assert "| Lorenz-96 | LETKF | 7 | 0.220 |" in capsys.readouterr().out


def test_recompute_says_where_no_scores_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["recompute", "gap", str(tmp_path)])
    with pytest.raises(SystemExit, match="no scores of gap are kept"):
        recompute.main()


def test_cycles_are_compared_with_those_without_a_network() -> None:
    rows = scores({"no network": 2.0, "round 0": 1.0}, ("background", "analysis"), ("u", "T"))
    found = rounds.result(rows).set_index(["product", "variable", "score", "method"])
    assert found.loc[("analysis", "u", "rmse", "round 0"), "improvement"] == pytest.approx(
        0.5, abs=0.01
    )
    assert "(+50" in rounds.show(rows)


def test_the_reference_of_a_table_is_the_first_that_was_scored() -> None:
    methods = {"free_run": 4.0, "latent_three_d_var": 2.0, "align_da": 1.0}
    rows = embedded_world.tabulated(scores(methods, ("background", "analysis"), ("u", "T")))
    found = embedded_world.result(rows).set_index(["variable", "score", "method"])
    assert (found.loc[("u", "rmse", "latent_three_d_var"), "verdict"] == "reference").all()
    assert "align_da" in embedded_world.show(rows)


def test_runs_of_several_seeds_are_one_method() -> None:
    rows = scores({"letkf_20": 2.0, "new": 1.0, "new_seed_1": 3.0}, ("analysis",), ("u",))
    averaged = embedded_world.over_seeds(rows)
    assert list(dict.fromkeys(averaged["method"])) == ["letkf_20", "new"]
    assert len(averaged) == 2 * len(DATES) * 3
    new = averaged[averaged["method"] == "new"]
    np.testing.assert_allclose(new["value"], 2.0, atol=0.05)
    with pytest.raises(InputError, match="the same scores and dates of every seed of new"):
        embedded_world.over_seeds(rows.iloc[:-1])


def test_the_later_half_of_cycles_counts_and_every_date_of_single_analyses() -> None:
    cycles = scores({"letkf_20": 1.0}, ("background", "analysis"), ("u",))
    single = scores({"background": 1.0}, ("analysis",), ("u",))
    assert set(embedded_world.counted(cycles)["date"]) == set(range(6, 12))
    assert set(embedded_world.counted(single)["date"]) == set(DATES)


def test_steps_to_better_observations_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(densities, "VARIABLES", ("u",))
    settings = itertools.product(densities.DENSITIES, densities.NOISES)
    parts = [
        scores({"JFPS": noise - density, "background": 1.0}, ("analysis",), densities.VARIABLES)
        .query("score == 'rmse'")
        .assign(density=density, noise=noise)
        for density, noise in settings
    ]
    rows = pd.concat(parts)
    found = densities.steps(rows).set_index(["method", "variable"])
    assert (found.loc["JFPS", "steps"] == 17).all()
    # 0.01 of density is within the noise, and a dozen dates that seem to remember say nothing.
    assert (found.loc["JFPS", "better"] >= 8).all()
    assert len(densities.result(rows)) == 4 * 3 * 2
    assert "17" in densities.show(rows)


def test_downscaling_compares_the_pairs_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downscaling, "PAIRS", downscaling.PAIRS[:2])
    methods = {
        name: 1.0 + 0.1 * i
        for i, name in enumerate(dict.fromkeys(itertools.chain(*downscaling.PAIRS)))
    }
    rows = scores(methods, downscaling.PRODUCTS, downscaling.VARIABLES)
    found = downscaling.result(rows)
    gains = found[found["against"].notna() & (found["score"] == "rmse")]
    assert len(gains) == len(downscaling.PAIRS) * len(downscaling.VARIABLES) * 2
    assert "Less RMSE in %" in downscaling.show(rows)


def test_a_reliable_ensemble_is_calibrated() -> None:
    rows = [
        (0, "no network", calibration.TRAINING, "state", name, value)
        for name, value in (("loss", 1.0), ("epochs", 0), ("draws", 3))
    ]
    for date, variable in itertools.product(DATES, calibration.SHOWN):
        draws = date, "no network", "draws, 48 h", variable
        before = date, "no network", "background, 48 h", variable
        rows += [(*draws, "rmse", 1.0), (*draws, "spread", 1.0), (*before, "rmse", 2.0)]
        rows += [(*draws, f"{calibration.RANK}{rank}", 25) for rank in range(4)]
    found = calibration.result(tidy(rows))
    assert found["spread_skill"].tolist() == pytest.approx([1.0] * 5)
    assert found["outside"].tolist() == pytest.approx([1.0] * 5)
    assert (found["p_of_flat_ranks"] > 0.9).all()
    expected = 100 * (1 - np.sqrt(0.75 / 4.0))  # the mean of infinitely many draws
    assert found["gain_percent"].tolist() == pytest.approx([expected] * 5)
    counts = calibration.ranks_by_prior(tidy(rows), "T")["no network"]
    assert counts.tolist() == [300] * 4


def test_a_command_is_that_of_the_same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    run, config = Path("runs/a"), Path("a.toml")
    command = command_of("cycle --name b", run, config, ["cycle.members=4"])
    assert command[0] == str(Path(sys.executable).with_name("align-da"))
    assert command[1:4] == ["cycle", "--name", "b"]
    assert command[-2:] == ["--set", "cycle.members=4"]
    failed = subprocess.CompletedProcess(command, 4)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(SystemExit) as end:
        align_da("cycle --name b", run, config)
    assert end.value.code == 4
