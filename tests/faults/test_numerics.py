"""Rows 57 to 62 of the table of faults: derivatives, posteriors and bits."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from filter_run import MODEL, START, WINDOW, digest_of_run, filter_experiment, run_filter
from flax import nnx
from golden_cycle import GOLDEN, golden_cycle
from hurt import folder_digest

from align_da.atmosphere import Grid, Layout, State, VerticalCoordinate
from align_da.config import AutoencoderConfig, GuidanceConfig, SamplerConfig
from align_da.cycling.twin_experiment import observe_everything
from align_da.forecast.lorenz63 import Lorenz63ForecastModel
from align_da.observations.batch import ObservationBatch, Vertical
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.trajectory import trajectory_operator
from align_da.observations.wind_speed import wind_speed_operator
from align_da.runs.autoencoders import build_autoencoder
from align_da.runs.guidances import build_posterior_sampler
from align_da.storage.stored_cycles import open_cycles
from align_da.verification.linear_gaussian import compare_with_kalman, every

Figure = Callable[[str], None]
Function = Callable[[jax.Array], jax.Array]
PAIRS = 20
STEPS = 10.0 ** -np.arange(1, 6)  # four decades
LAYOUT = Layout(
    Grid(
        tuple(np.linspace(-78.75, 78.75, 8)),
        tuple(np.arange(16) * 22.5),
        VerticalCoordinate("sigma", (0.3, 0.9)),
    ),
    ("u_component_of_wind", "v_component_of_wind", "temperature", "surface_pressure"),
)


def scattered() -> ObservationBatch:
    """Sixty observations of every variable all over the globe."""
    draw, count = np.random.default_rng(3), 60
    whole = np.zeros(count, np.int32)
    arrays = {
        "value": np.zeros(count),
        "error": np.ones(count),
        "latitude": draw.uniform(-90, 90, count),
        "longitude": draw.uniform(0, 360, count),
        "level": draw.uniform(0.2, 1, count),
        "vertical": whole + int(Vertical.LEVEL),
        "time": np.zeros(count),
        "variable": draw.integers(0, 4, count).astype(np.int32),
        "station": whole,
        "flag": whole,
    }
    return ObservationBatch(**{name: jnp.asarray(array) for name, array in arrays.items()})


def operator_case(
    bind: Callable[[ObservationBatch, Layout], Callable[[State], jax.Array]],
) -> tuple[Function, tuple[int, ...]]:
    operator = bind(scattered(), LAYOUT)
    return lambda values: operator(State(values, LAYOUT)), LAYOUT.shape


def trajectory_case() -> tuple[Function, tuple[int, ...]]:
    """H after two steps of Lorenz-96."""
    batch = observe_everything(MODEL.layout, 1.0)
    late = ObservationBatch(**{**vars(batch), "time": batch.time + 2 * WINDOW * 3600.0})
    operator = trajectory_operator(interpolation_operator, MODEL, START)(late, MODEL.layout)
    return lambda values: operator(State(5 + values, MODEL.layout)), MODEL.layout.shape


def model_case(model: object) -> tuple[Function, tuple[int, ...]]:
    def forecast(values: jax.Array) -> jax.Array:
        states = State(5 + values[None], model.layout)
        return model.forecast(states, START, model.step_hours).values

    return forecast, model.layout.shape


def decoder_case(kind: str) -> tuple[Function, tuple[int, ...]]:
    """A decoder whose branches are not silent, as double precision has it."""
    config = AutoencoderConfig(kind=kind, width=8, depth=1, latent_channels=5)
    built = nnx.eval_shape(lambda: build_autoencoder(config, (8, 16, 3), jax.random.key(0)))
    graph, shapes = nnx.split(built)
    draw = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: jnp.asarray(0.2 * draw.normal(size=leaf.shape)), shapes)
    return nnx.merge(graph, params).decode, (1, 4, 8, 5)


CASES: dict[str, Callable[[], tuple[Function, tuple[int, ...]]]] = {
    "interpolation": lambda: operator_case(interpolation_operator),
    "wind speed": lambda: operator_case(wind_speed_operator),
    "trajectory": trajectory_case,
    "Lorenz-63": lambda: model_case(Lorenz63ForecastModel()),
    "Lorenz-96": lambda: model_case(MODEL),
    "convolutional decoder": lambda: decoder_case("convolutional"),
    "transformer decoder": lambda: decoder_case("transformer"),
}
LINEAR = {"interpolation"}
SINGLE = {"transformer decoder"}  # its products are in single precision whatever comes


def adjoint_gap(function: Function, shape: tuple[int, ...], dtype: jnp.dtype) -> float:
    """Largest relative difference of <Hd, w> and <d, H'w> over random pairs."""

    @jax.jit
    def of_pair(x: jax.Array, d: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Hd and H'w."""
        return jax.jvp(function, (x,), (d,))[1], jax.vjp(function, x)[1](w)[0]

    gaps, known = [], jax.eval_shape(function, jax.ShapeDtypeStruct(shape, dtype))
    for seed in range(PAIRS):
        draw = np.random.default_rng(seed)
        x, d = (jnp.asarray(draw.normal(size=shape), dtype) for _ in range(2))
        w = jnp.asarray(draw.normal(size=known.shape), known.dtype)
        forward, backward = of_pair(x, d, w)
        left = np.vdot(np.asarray(forward, float), np.asarray(w, float))
        right = np.vdot(np.asarray(d, float), np.asarray(backward, float))
        gaps.append(abs(left - right) / float(jnp.linalg.norm(forward) * jnp.linalg.norm(w)))
    return max(gaps)


@pytest.mark.parametrize("name", CASES)
def test_row_57_the_adjoint_fulfils_the_dot_product_identity(name: str, figure: Figure) -> None:
    with jax.enable_x64(True):
        single = adjoint_gap(*CASES[name](), jnp.float32)
        assert single <= 5e-6
        figure(f"{name}: {single:.0e} in float32")
        if name not in SINGLE:
            double = adjoint_gap(*CASES[name](), jnp.float64)
            assert double <= 1e-12
            figure(f"{name}: {double:.0e} in float64")


@pytest.mark.parametrize("name", [name for name in CASES if name not in LINEAR | SINGLE])
def test_row_58_the_error_of_the_tangent_falls_with_the_square_of_the_step(
    name: str, figure: Figure
) -> None:
    with jax.enable_x64(True):
        function, shape = CASES[name]()
        draw = np.random.default_rng(0)
        x, d = (jnp.asarray(draw.normal(size=shape)) for _ in range(2))
        value, tangent = jax.jvp(function, (x,), (d,))
        compiled = jax.jit(function)
        errors = [
            float(jnp.linalg.norm(compiled(x + step * d) - value - step * tangent))
            for step in STEPS
        ]
    slope = np.polyfit(np.log(STEPS), np.log(errors), 1)[0]
    assert slope == pytest.approx(2, abs=0.1)
    figure(f"{name}: slope {slope:.2f}")


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("jfps", 0.5),
        pytest.param("jfps", 0.1, marks=pytest.mark.long),
        pytest.param("mmps", 0.5, marks=pytest.mark.long),
        pytest.param("mmps", 0.1, marks=pytest.mark.long),
    ],
)
def test_row_59_guided_draws_have_mean_and_variance_of_the_kalman_posterior(
    method: str, error: float, figure: Figure
) -> None:
    sampler = SamplerConfig(kind="dpm_solver", steps=40, sigma_min=0.002, sigma_max=80.0)
    posterior = build_posterior_sampler(GuidanceConfig(method=method), sampler)
    found = compare_with_kalman(
        posterior,
        every(4, error),
        seeds=(0,),
        draws=4096,
        control_variable=method == "jfps",
    )
    variance = found.spread_ratio**2
    assert found.mean_error <= 0.02  # of the standard deviation of the prior
    assert abs(variance - 1) <= 0.05
    figure(f"{method}, error {error}: mean {found.mean_error:.3f}, variance {variance:.3f}")


def digest_in_a_process(cores: int) -> str:
    """Digest of the same run in a process of its own, with so many cores."""
    code = (
        f"import os, sys; os.sched_setaffinity(0, range({cores}))\n"
        "sys.path.insert(0, sys.argv[1]); import filter_run\n"
        "sys.stdout.write(filter_run.digest_of_run(4))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, Path(__file__).parent],
        capture_output=True,
        check=True,
        text=True,
    ).stdout


@pytest.mark.long  # members of a larger ensemble: tests/contracts/test_analysis.py
@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_row_60_another_process_with_other_threads_gives_the_same_bits(
    cores: int, figure: Figure
) -> None:
    assert digest_in_a_process(cores) == digest_of_run(4)
    figure(f"4 cycles in another process on {cores} cores: equal bits")


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_row_60_the_circulation_model_gives_the_same_bits_on_one_core_and_on_two(
    figure: Figure,
) -> None:
    code = (
        "import os, sys; os.sched_setaffinity(0, range(int(sys.argv[1])))\n"
        "from align_da.environment import settle_environment; settle_environment()\n"
        "import numpy as np\n"
        "from align_da.forecast.jcm import JcmForecastModel\n"
        "from align_da.storage.array_digest import digest_of_array\n"
        "from data_pipelines.era5_start import era5_state\n"
        "model, time = JcmForecastModel(31), np.datetime64('1959-01-02')\n"
        "after = model.forecast(era5_state(model), time, 6).values\n"
        "sys.stdout.write(digest_of_array(np.asarray(after)))"
    )
    # As the commands run: with optimisation, and threads that are not those of the tests.
    other = {"XLA_FLAGS", "PJRT_NPROC"}
    environment = {name: value for name, value in os.environ.items() if name not in other}
    one, two = (
        subprocess.run(
            [sys.executable, "-c", code, str(cores)],
            capture_output=True,
            check=True,
            text=True,
            env=environment,
        ).stdout
        for cores in (1, 2)
    )
    assert one == two
    figure("six hours of JCM at T31 on 1 and on 2 cores: equal bits")


def test_row_61_a_run_in_two_halves_from_its_store_is_the_whole_run(
    tmp_path: Path, figure: Figure
) -> None:
    halves, whole, experiment = tmp_path / "halves", tmp_path / "whole", filter_experiment(4)
    run_filter(whole / "run.zarr", experiment)

    def observe_two(cycle: int) -> ObservationBatch:
        if cycle == 2:
            raise KeyboardInterrupt
        return experiment.observe(cycle)

    with pytest.raises(KeyboardInterrupt):
        run_filter(halves / "run.zarr", replace(experiment, observe=observe_two))
    assert open_cycles(halves / "run.zarr").sizes["time"] == 2
    run_filter(halves / "run.zarr", experiment)
    assert folder_digest(halves) == folder_digest(whole)
    figure("stopped after 2 of 4 cycles and gone on from the store: equal bits")


def test_row_61_a_forecast_of_states_from_the_store_is_that_of_states_in_memory(
    tmp_path: Path,
) -> None:
    store = tmp_path / "run.zarr"
    experiment = filter_experiment(2)
    run_filter(store, experiment)
    stored = open_cycles(store)["lorenz_96"].values[:, :, 0, :, :, None]
    backgrounds = open_cycles(store, "background")["lorenz_96"].values[:, :, 0, :, :, None]
    before = stored.copy()
    states = State(jnp.asarray(stored[0]), MODEL.layout)
    once, again = (MODEL.forecast(states, START, WINDOW).values for _ in range(2))
    np.testing.assert_array_equal(once, backgrounds[1])
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(np.asarray(states.values), before[0])


def test_row_62_the_golden_cycle_is_what_it_was(figure: Figure) -> None:
    with np.load(GOLDEN) as saved:
        known = dict(saved)
    found = golden_cycle()
    assert set(found) == set(known)
    apart = 0.0
    for name, expected in known.items():
        if expected.dtype.kind == "i":
            np.testing.assert_array_equal(found[name], expected)
        else:
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-5 * scale)
            apart = max(apart, float(np.abs(found[name] - expected).max() / scale))
    figure(f"4 cycles: integers equal, numbers apart by {apart:.0e}")
