"""What `import align_da` offers, and how it is used."""

import importlib
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import align_da
from align_da import api
from align_da.alignment import AlignmentCase, Reward
from align_da.atmosphere import Grid, VerticalCoordinate, limited_area
from align_da.observations import interpolation_operator

README = Path(__file__).parents[2] / "README.md"
LAYOUT = align_da.Layout(
    limited_area((40.0, 41.0, 42.0), (5.0, 6.0, 7.0, 8.0)), ("abstract_field",)
)


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", f"import sys, align_da\n{code}"], check=True)


def test_importing_it_loads_nothing_else() -> None:
    python("assert not {'jax', 'numpy', 'align_da.api'} & set(sys.modules)")


def test_every_name_is_there_without_the_command_line_and_the_pipelines() -> None:
    python(
        "names = dir(align_da)\n"
        "assert all(getattr(align_da, name) is not None for name in names)\n"
        "assert {'State', 'cycles', 'open_run', '__version__'} <= set(names)\n"
        "strange = ('typer', 'align_da.cli', 'align_da.stages', 'data_pipelines', 'experiments')\n"
        "loaded = [name for name in sys.modules if name.startswith(strange)]\n"
        "assert not loaded, loaded"
    )


def test_every_name_is_told_in_the_one_place_that_lists_them() -> None:
    assert sorted(api.__all__) == sorted(set(api.__all__))
    assert [name for name in api.__all__ if f"`{name}`" not in (api.__doc__ or "")] == []
    assert [name for name in api.__all__ if not getattr(api, name).__doc__] == []


def test_there_are_few_enough_names_to_be_read() -> None:
    assert len(api.__all__) <= 26


def test_what_is_told_to_come_from_a_room_does_and_is_told_once() -> None:
    lines = [line for line in (api.__doc__ or "").splitlines() if line.startswith("    from ")]
    assert len(lines) > 8
    named: list[str] = []
    for line in lines:
        room, _, names = line.partition(" import ")
        module = importlib.import_module(room.split()[1])
        named += names.split(", ")
        assert [name for name in names.split(", ") if name not in module.__all__] == []
    assert sorted(named) == sorted({*named} - {*api.__all__})


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="'align_da' has no attribute 'analyze'"):
        align_da.analyze  # noqa: B018


def example() -> str:
    """The example of own parts in the README."""
    text = README.read_text(encoding="utf-8").partition("`import align_da`")[2]
    return text.partition("```python\n")[2].partition("```")[0]


def test_the_example_of_the_readme_is_short() -> None:
    lines = [line for line in example().splitlines() if line.strip()]
    assert 5 < len(lines) <= 15
    assert sum("import" in line for line in lines) <= 5


def test_the_example_of_the_readme_runs_and_finds_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "example.py"
    script.write_text(example(), encoding="utf-8")
    runpy.run_path(str(script))
    error, climate = (float(word.strip(",")) for word in capsys.readouterr().out.split()[1::4])
    assert error < 0.3 * climate


def test_a_cycle_of_own_parts_in_a_limited_area() -> None:
    """Diffusion towards a pattern, observed in a data frame at every point."""
    pattern = jnp.cos(jnp.arange(12.0)).reshape(LAYOUT.shape)
    model = align_da.FunctionForecastModel(lambda x: 0.9 * x + 0.1 * pattern, LAYOUT, 3)
    method = align_da.LETKF(interpolation_operator, align_da.Localisation(5e4))
    north, east = np.meshgrid(LAYOUT.grid.latitude, LAYOUT.grid.longitude, indexing="ij")
    start = np.datetime64("2020-01-01", "ns")

    def observed(cycle: int) -> align_da.ObservationBatch:
        valid_time = start + (cycle + 1) * np.timedelta64(3, "h")
        outside = {"value": 99.0, "latitude": 50.0, "longitude": 5.0}
        frame = pd.DataFrame(
            {
                "value": np.asarray(pattern).ravel(),
                "latitude": north.ravel(),
                "longitude": east.ravel(),
            }
        )
        frame = pd.concat([frame, pd.DataFrame([outside])], ignore_index=True)
        frame = frame.assign(variable="abstract_field", error=0.1, level=1.0, time=valid_time)
        return align_da.observations_from_frame(frame, LAYOUT, valid_time)

    first = 1 + jax.random.normal(jax.random.key(0), (20, *LAYOUT.shape))
    parts = align_da.CycleParts(model, method, window_hours=3)
    state = align_da.CycleState(align_da.State(first, LAYOUT), start)
    found = list(align_da.cycles(parts, state, map(observed, range(4))))
    errors = [
        float(jnp.abs(cycle.analysis.values.mean(axis=0) - pattern).max()) for cycle in found
    ]
    assert errors[0] > errors[-1]
    assert errors[-1] < 0.2
    assert found[-1].valid_time == np.datetime64("2020-01-01T12")
    assert found[0].observations.counts() == {"pass": 12, "domain": 1}


@dataclass(frozen=True)
class Calm:
    """A reward of one's own: the less wind the better."""

    name: str = "calm"
    differentiable: bool = True

    def __call__(self, candidates: align_da.State, case: AlignmentCase) -> jax.Array:
        return -jnp.square(candidates["u_component_of_wind"]).mean(axis=(1, 2, 3))


@pytest.mark.slow
def test_shipped_weights_are_opened_and_take_a_guidance_and_a_reward_of_ones_own() -> None:
    pytest.importorskip("jcm")
    run = align_da.open_shipped()
    assert repr(run).startswith("<Run ")
    assert "no truth" in repr(run)
    prior = align_da.load_prior(run, "static")
    assert repr(prior).startswith("<LatentPrior of (16, 32, ")

    def ignorant(denoiser: object, operator: object, likelihood: object) -> object:
        return denoiser

    method = align_da.guided_analysis(prior, ignorant)
    values = jnp.broadcast_to(prior.space.normalisation.mean, (2, *run.layout.shape))
    background = align_da.State(values, run.layout)
    frame = pd.DataFrame(
        {"value": [280.0], "error": 1.0, "latitude": 50.0, "longitude": 8.0, "level": 0.95}
    )
    observations = align_da.observations_from_frame(
        frame.assign(variable="temperature"), run.layout
    )
    drawn, report = method(background, observations, 24.0, jax.random.key(0))
    assert drawn.values.shape == background.values.shape
    assert isinstance(Calm(), Reward)
    time = np.datetime64("2000-01-01")
    state = align_da.State(values[0], run.layout)
    case = AlignmentCase(state, state, time, state, 24.0)
    assert Calm()(drawn, case).shape == (2,)
    assert report.analysis_equivalent.shape == (1,)
    with pytest.raises(align_da.errors.StorageError, match=r"truth\.zarr, there is none"):
        run.surface_geopotential  # noqa: B018


def test_a_state_goes_to_xarray_and_back() -> None:
    grid = Grid((-45.0, 45.0), (0.0, 180.0), VerticalCoordinate("pressure", (5e4, 8.5e4)))
    layout = align_da.Layout(grid, ("temperature", "surface_pressure"))
    state = align_da.State(jnp.arange(24.0).reshape(2, *layout.shape), layout)
    dataset = align_da.dataset_from_state(state, {"realization": np.arange(2)})
    assert isinstance(dataset, xr.Dataset)
    found = align_da.state_from_dataset(dataset)
    assert found.layout == layout
    np.testing.assert_array_equal(found.values, state.values)
