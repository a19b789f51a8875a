"""JCM as a function from gridded state to gridded state."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("jcm")
from jcm.forcing import ForcingData
from jcm.terrain import TerrainData

from align_da.forecast.jcm import BOUNDARY_FILES, JcmForecastModel
from data_pipelines.era5_start import era5_state

pytestmark = pytest.mark.slow
TIME = np.datetime64("1959-01-02T00:00")


@pytest.fixture(scope="module")
def models() -> tuple[JcmForecastModel, JcmForecastModel]:
    """The first is built while a program is traced."""
    coarse, fine = JcmForecastModel(21), JcmForecastModel(31)
    values = jnp.zeros(coarse.layout.shape)
    jax.eval_shape(lambda start: coarse.step(coarse.begin(start, TIME)), values)
    return coarse, fine


def test_both_truncations_take_and_give_the_same_states(
    models: tuple[JcmForecastModel, JcmForecastModel],
) -> None:
    coarse, fine = models
    assert coarse.layout == fine.layout
    assert coarse.layout.shape == (32, 64, 33)
    start = era5_state(coarse).values[0]
    once = [np.asarray(model.end(model.begin(start, TIME))) for model in models]
    # float32 rounding of surface pressure (1e5 Pa) is 0.01 Pa.
    np.testing.assert_allclose(once[0], once[1], rtol=1e-5, atol=2e-3)


def test_a_gridded_state_restarts_as_the_state_that_it_was(
    models: tuple[JcmForecastModel, JcmForecastModel],
) -> None:
    model = models[1]
    once = model.end(model.begin(era5_state(model).values[0], TIME))
    twice = model.end(model.begin(once, TIME))
    scale = jnp.abs(once).max(axis=(0, 1))
    assert float((jnp.abs(twice - once) / scale).max()) < 5e-6


def test_the_start_has_the_pressure_and_temperature_of_the_atmosphere(
    models: tuple[JcmForecastModel, JcmForecastModel],
) -> None:
    state = era5_state(models[0])
    weights = models[0].layout.grid.area_weights[None, :, :, None]
    pressure = float((state["surface_pressure"] * weights).sum())
    # Trenberth and Smith 2005, J. Climate 18, 864-875: mean surface pressure 985.5 hPa.
    assert pressure == pytest.approx(98550.0, abs=300.0)
    assert float(state["temperature"][..., -1].max()) < 320.0
    assert float(state["specific_humidity"].min()) >= 0.0


def test_a_finer_grid_shows_the_same_state_with_more_of_it(
    models: tuple[JcmForecastModel, JcmForecastModel],
) -> None:
    seen, fine = models[1], JcmForecastModel(31, 31)
    assert fine.layout.shape == (48, 96, 33)
    run = seen.begin(era5_state(seen).values[0], TIME)
    kept = fine.end(fine.begin(fine.end(run), TIME))
    scale = np.abs(np.asarray(kept)).max(axis=(0, 1))
    assert np.abs((np.asarray(fine.end(run)) - np.asarray(kept)) / scale).max() < 5e-6
    # Cut to T21, on the grid of T21, it is what the other model sees.
    again = seen.end(fine.begin(kept, TIME))
    assert np.abs((np.asarray(again) - np.asarray(seen.end(run))) / scale).max() < 5e-6


@pytest.mark.filterwarnings("ignore")  # JCM lets xarray guess, and tells what later ones refuse
@pytest.mark.parametrize("number", [0, 1])
def test_boundary_conditions_are_what_jcm_makes_of_its_files(
    number: int, models: tuple[JcmForecastModel, JcmForecastModel]
) -> None:
    own, forcing = models[number]._built
    surface = TerrainData.from_file(BOUNDARY_FILES["terrain"], own.coords)
    np.testing.assert_array_equal(own.terrain.fmask, surface.fmask)
    expected = ForcingData.from_file(BOUNDARY_FILES["forcing"], own.coords)
    assert jax.tree.structure(forcing) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, forcing, expected)


def test_a_model_that_is_first_used_within_a_program_keeps_nothing_of_it(
    models: tuple[JcmForecastModel, JcmForecastModel],
) -> None:
    model, forcing = models[0]._built
    kept = jax.tree.leaves((vars(model.terrain), forcing, models[0]._fresh_physics))
    assert len(kept) > 10
    assert not any(isinstance(leaf, jax.core.Tracer) for leaf in kept)
