"""What is measured at small sizes: analyses, steps of training, forecasts, stores, statistics.

Networks are narrow (64 instead of 1024 channels, 2 instead of 24 blocks), so that two cores can
run them; every channel keeps one latent, as in the paper. Weights are random.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from align_da.assimilation.contract import Analysis
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import State
from align_da.config import Config, load_config
from align_da.forecast.jcm import JcmForecastModel
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.increment_correlation import CorrelationRank
from align_da.prior.latent_prior import LatentPrior
from align_da.prior.latent_scaling import estimate_scaling
from align_da.runs.guidances import build_posterior_sampler
from align_da.storage.analysis_store import write_cycle
from align_da.storage.checkpoints import newest_whole, save_step
from align_da.storage.verification import verify_store
from align_da.verification.cost import Cost, measured
from align_da.verification.ensemble_scores import ensemble_variance, fair_crps
from align_da.verification.scores import root_mean_square_error
from data_pipelines.era5_start import era5_state
from data_pipelines.moments import moments_of
from data_pipelines.template import write_template
from experiments.costs.paper_size import (
    CONFIG,
    Program,
    analysis_program,
    compile_program,
    planned_bytes,
    timed,
    training,
)
from experiments.costs.synthetic import (
    Size,
    bytes_on_disk,
    new_store,
    noise_states,
    prior_of,
    record_with,
    template_of,
)


def cost_of_call(call: Callable[[], object], repeat: int) -> Cost:
    """Median time of a call, after one that is not counted.

    Memory is not told: a later call may use what an earlier one has left to the process.
    """
    costs = [measured(call)[1] for _ in range(1 + repeat)]
    return Cost(median(cost.seconds for cost in costs[1:]), math.nan)


def cost_of_program(program: Program, repeat: int) -> Cost:
    """Median time of a compiled program, and the memory that XLA plans with its arguments."""
    executable, _ = compile_program(program)
    seconds = timed(lambda: executable(*program.arguments), repeat)
    return Cost(seconds, planned_bytes(executable) / 1e6)


def shared(cost: Cost, count: int) -> Cost:
    """The time of one of so many; memory is that of all."""
    return Cost(cost.seconds / count, cost.megabytes)


_NARROW = ("width=64", "depth=2", "heads=4", "precision='float32'")
_SMALL = (
    *(f"{network}.{setting}" for network in ("autoencoder", "denoiser") for setting in _NARROW),
    "autoencoder.window=4",
    "denoiser.correlation_modes=20",
)


def config_at(size: Size) -> Config:
    """The configuration of the paper's size, with narrow networks for states of `size`."""
    rows, columns, channels = size.layout.shape
    reports = channels * rows * columns  # of all columns
    changes = [
        f"autoencoder.latent_channels={channels}",
        f"observations.density={min(1.0, size.observations / reports)}",
        *(f"{part}.training.batch_size={size.cases}" for part in ("autoencoder", "denoiser")),
    ]
    return load_config(CONFIG, [*_SMALL, *changes])


def jfps_program(size: Size) -> Program:
    """An analysis by the learned method, all members at once."""
    config = config_at(size)
    posterior = build_posterior_sampler(config.guidance, config.sampler)

    def method(prior: LatentPrior) -> Analysis:
        return LatentScoreAnalysis(prior, posterior, interpolation_operator, size.members)

    prior = prior_of(config, size.layout, trained=True)
    return analysis_program("JFPS", method, prior, size.members, config, size.layout)


def jfps(size: Size, repeat: int) -> dict[str, Cost]:
    """An analysis by the learned method."""
    return {"JFPS": cost_of_program(jfps_program(size), repeat)}


def latent_three_d_var(size: Size, repeat: int) -> dict[str, Cost]:
    """An analysis by latent 3D-Var, members one after the other."""
    config, settings = config_at(size), config_at(size).latent_three_d_var

    def method(prior: LatentPrior) -> Analysis:
        return LatentThreeDVar(prior, interpolation_operator, settings.outer, settings.inner)

    prior = prior_of(config, size.layout, trained=True)
    program = analysis_program("", method, prior, size.members, config, size.layout)
    return {"latent 3D-Var": cost_of_program(program, repeat)}


def letkf(size: Size, repeat: int) -> dict[str, Cost]:
    """An analysis by the LETKF."""
    config, settings = config_at(size), config_at(size).letkf
    near = Localisation(*settings.half_widths)
    method = LETKF(interpolation_operator, near, settings.inflation, settings.relaxation)
    program = analysis_program("", lambda _: method, None, size.members, config, size.layout)
    return {"LETKF": cost_of_program(program, repeat)}


def training_steps(size: Size, repeat: int) -> dict[str, Cost]:
    """A step of training of the autoencoder and of the score model."""
    programs = training(config_at(size), size.layout)
    return {program.name: cost_of_program(program, repeat) for program in programs}


START = np.datetime64("1959-01-02T00")
_PERTURBATION = 0.5  # K


def forecast(size: Size, repeat: int) -> dict[str, Cost]:
    """Six hours of every member."""
    model = model_of(size.truncation)
    ensemble = perturbed(model, size.members)

    def step() -> None:
        np.asarray(model.forecast(ensemble, START, 6).values)

    return {"forecast of 6 h": cost_of_call(step, repeat)}


def compression_of_forecasts(members: int = 4) -> float:
    """Bytes in memory over bytes on disk of a cycle of real states.

    Backgrounds are forecasts of 24 hours from perturbed states, the analyses are drawn half-way
    to the first of them. Observations are left out.
    """
    model = model_of(21)
    background = model.forecast(perturbed(model, members), START, 24)
    values = background.values
    analysis = State(values + 0.5 * (values[:1] - values), background.layout)
    template = template_of(background.layout, members, 1, 1)
    with TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "cycles.zarr", template)
        empty = bytes_on_disk(store.path)
        write_cycle(store, record_with(background, analysis, template))
        return template.bytes_per_cycle / (bytes_on_disk(store.path) - empty)


@lru_cache
def model_of(truncation: int) -> JcmForecastModel:
    """A model that is compiled once."""
    return JcmForecastModel(truncation)


def perturbed(model: JcmForecastModel, members: int) -> State:
    """A state of ERA5 with other temperatures in every member."""
    state = era5_state(model)
    temperature = state.layout.channels_of("temperature")
    shape = (members, *state.values[0, ..., temperature].shape)
    noise = _PERTURBATION * jax.random.normal(jax.random.key(0), shape)
    values = jnp.repeat(state.values, members, axis=0).at[..., temperature].add(noise)
    return State(values, state.layout)


BLOCK = 8  # states reduced at once
PAIRS = 64
STRIDE = 4


def store(size: Size, repeat: int) -> dict[str, Cost]:
    """A cycle written (checked, compressed, flushed, read back), and verified again."""
    template = template_of(size.layout, size.members, size.observations, 1 + repeat)
    states = noise_states(size.layout, size.members)
    record = record_with(states, states, template)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cycles.zarr"
        opened = [new_store(path, template)]
        written = cost_of_call(lambda: opened.append(write_cycle(opened[-1], record)), repeat)
        verified = cost_of_call(lambda: verify_store(path), repeat)
    return {"store, write": written, "store, verify": shared(verified, 1 + repeat)}


def statistics(size: Size, repeat: int) -> dict[str, Cost]:
    """Moments of a block of states, a state."""
    block = np.asarray(noise_states(size.layout, BLOCK).values)
    weights = size.layout.grid.area_weights
    moments = cost_of_call(lambda: moments_of(block, weights), repeat)
    return {"statistics of a state": shared(moments, BLOCK)}


def verification(size: Size, repeat: int) -> dict[str, Cost]:
    """Error of the mean, spread and fair CRPS of an ensemble."""
    layout = size.layout
    ensemble, truth = (
        np.asarray(noise_states(layout, count).values) for count in (size.members, 1)
    )

    def verify() -> None:
        root_mean_square_error(ensemble.mean(axis=0), truth[0], layout.grid)
        fair_crps(ensemble, truth[0])
        ensemble_variance(ensemble)

    return {"verification": cost_of_call(verify, repeat)}


def checkpoint(size: Size, repeat: int) -> dict[str, Cost]:
    """A checkpoint of so many numbers saved and read."""
    arrays = np.random.default_rng(0).normal(size=(8, size.parameters // 8)).astype(np.float32)
    tree = dict(enumerate(arrays))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        return {
            "checkpoint, save": cost_of_call(lambda: save_step(place, 1, tree, {}), repeat),
            "checkpoint, read": cost_of_call(lambda: newest_whole(place, tree), repeat),
        }


def template(size: Size, repeat: int) -> dict[str, Cost]:
    """An empty store of so many times, a chunk a time and variable: a graph of dask."""
    times = np.datetime64("1979-01-01", "ns") + np.arange(size.times) * np.timedelta64(6, "h")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "truth.zarr"

        def make() -> None:
            write_template(path, size.layout, {"time": times}, 1, xr.Dataset())

        return {"store, make": cost_of_call(make, repeat)}


def correlation(size: Size, repeat: int) -> dict[str, Cost]:
    """The static correlation estimated of latent pairs; once, for it is slow."""
    rows, columns, channels = size.layout.shape
    random = np.random.default_rng(0)
    shape = (PAIRS, rows // STRIDE, columns // STRIDE, channels)
    truth, background = random.normal(size=(2, *shape)).astype(np.float32)
    rank = CorrelationRank(modes=20, radius=8e6)
    costs = [
        measured(lambda: estimate_scaling({48: (truth, background)}, rank))[1]
        for _ in range(min(repeat, 1))
    ]
    return {"correlation, estimated": costs[-1]}
