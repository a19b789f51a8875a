"""Time, memory and arithmetic of training and analysis at the paper's size, as Markdown.

Weights are random and states synthetic: this measures cost. Every program is compiled as a user's
is; the arithmetic of the program without recomputation is counted, and set against the rate of a
large product of matrices in half precision, measured first.

Usage: python -m experiments.costs.paper_size networks|analyses|peers|training ...
       [--grid 128 256] [--repeat 5] [--set section.key=value]
"""

import math
import statistics
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import pandas as pd
from flax import nnx

from align_da.assimilation.contract import Analysis
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.atmosphere import Layout, State
from align_da.autoencoder import PairBatch
from align_da.config import Config, GuidanceConfig, SamplerConfig, TrainingConfig, load_config
from align_da.diffusion.condition import Condition
from align_da.diffusion.objective import DenoisingBatch
from align_da.observations.interpolation import interpolation_operator
from align_da.observations.simulate import planned_observations
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.guidances import build_posterior_sampler
from align_da.runs.observation_errors import errors_of
from align_da.runs.observing_system import configured_network
from align_da.runs.training_plan import training_plan
from align_da.training import initial_state, make_optimizer, make_step
from align_da.training.step import Loss
from align_da.verification.cost import measured
from align_da.verification.table_format import to_markdown
from experiments.costs.arithmetic import count_products
from experiments.costs.synthetic import (
    LEAD_HOURS,
    autoencoder_loss_of,
    denoising_loss_of,
    latent_shape_of,
    layout_of,
    prior_of,
)
from experiments.options import options
from experiments.results import add_result

CONFIG = Path(__file__).with_name("config.toml")
PAPER_SAMPLER = SamplerConfig(kind="stochastic", steps=128, correctors=2, micro_batch=1)
KEY = jax.random.key(2)


@dataclass(frozen=True)
class Program:
    """What is compiled and timed.

    Attributes:
        name: for the table.
        function: of `arguments`, compiled.
        arguments: arrays.
        plain: the same without recomputation, whose arithmetic counts; None counts nothing, as
            solvers run until they have converged.
        cases: states or draws a call.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    plain: Callable[..., Any] | None
    cases: int


def main() -> None:
    """Measure, write the results and print them."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--grid", type=int, nargs=2, default=(128, 256))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    config, layout = load_config(CONFIG, arguments.set), layout_of(*arguments.grid)
    rate, device = matrix_rate(), jax.devices()[0].device_kind
    print(f"{device}; {rate / 1e12:.1f} TFLOP/s in a product of matrices\n", flush=True)
    for part in arguments.parts:  # one after the other: they share the memory
        rows = measured_programs(list(PARTS[part](config, layout)), arguments.repeat, rate)
        table = pd.DataFrame(rows).assign(device=device, rows=layout.shape[0])
        add_result(arguments.folder, "paper_size", table, ["device", "rows", "program"])
        print(to_markdown(table), flush=True)


def measured_programs(
    programs: list[Program], repeat: int, rate: float
) -> Iterator[dict[str, object]]:
    """A row a program; all are compiled at once, then run one after the other."""
    with ThreadPoolExecutor() as pool:
        compiled = list(pool.map(compile_program, programs))
    for program, (executable, compiling) in zip(programs, compiled, strict=True):
        row = table_row(program, executable, repeat, rate) | {"compiling, s": compiling}
        print(row, file=sys.stderr, flush=True)
        yield row


def networks(config: Config, layout: Layout) -> Iterator[Program]:
    """Encoding, decoding and a call of the denoiser."""
    prior = prior_of(config, layout, trained=True)
    weights = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(prior.space.autoencoder)))
    network = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(prior.network)))
    print(f"autoencoder {weights / 1e6:.0f}, score model {network / 1e6:.0f} million parameters\n")
    state = jax.random.normal(KEY, (1, *layout.shape))
    latent = jax.random.normal(KEY, prior.control_shape)
    lead, sigma = jnp.float32(LEAD_HOURS), jnp.float32(1.0)
    once = {
        "encode": lambda prior, state, _: prior.space.autoencoder.encode(state),
        "decode": lambda prior, _, latent: prior.space.autoencoder.decode(latent[None]),
        "denoise": lambda prior, _, latent: prior.denoiser(latent, lead)(latent, sigma),
    }
    for name, function in once.items():
        yield Program(name, function, (prior, state, latent), function, 1)


def analyses(config: Config, layout: Layout) -> Iterator[Program]:
    """Draws of the learned method: ours, four at once, and with the sampler of the paper."""
    prior = prior_of(config, layout, trained=True)
    settings = {
        f"JFPS, {config.sampler.steps} steps": (config.guidance, config.sampler, 1),
        f"JFPS, {config.sampler.steps} steps, 4 members": (config.guidance, config.sampler, 4),
        "DPS, 128 steps, 2 correctors": (GuidanceConfig(method="dps"), PAPER_SAMPLER, 1),
    }
    for name, (guidance, sampler, members) in settings.items():
        posterior = build_posterior_sampler(guidance, sampler)

        def method(prior: LatentPrior, posterior: Any = posterior, batch: int = members) -> Any:  # noqa: ANN401
            return LatentScoreAnalysis(prior, posterior, interpolation_operator, batch)

        yield analysis_program(name, method, prior, members, config, layout)


def peers(config: Config, layout: Layout) -> Iterator[Program]:
    """The classical methods on the same observations."""
    prior, settings = prior_of(config, layout, trained=True), config.letkf
    variational = config.latent_three_d_var
    near = Localisation(*settings.half_widths)
    letkf = LETKF(interpolation_operator, near, settings.inflation, settings.relaxation)

    def latent_three_d_var(prior: LatentPrior) -> LatentThreeDVar:
        return LatentThreeDVar(prior, interpolation_operator, variational.outer, variational.inner)

    yield analysis_program("latent 3D-Var", latent_three_d_var, prior, 1, config, layout)
    yield analysis_program("LETKF, 20 members", lambda _: letkf, None, 20, config, layout)


def analysis_program(
    name: str,
    method: Callable[[Any], Analysis],
    prior: LatentPrior | None,
    members: int,
    config: Config,
    layout: Layout,
) -> Program:
    """One analysis of random members; the prior is an argument, so that XLA knows no weights."""
    network = configured_network(config.observations, layout.grid, KEY)
    planned = planned_observations(network, layout, errors_of(config.observations))

    def analyse(prior: LatentPrior | None, values: jax.Array, key: jax.Array) -> jax.Array:
        return method(prior)(State(values, layout), planned, LEAD_HOURS, key)[0].values

    values = jax.random.normal(KEY, (members, *layout.shape))
    return Program(f"analysis, {name}", analyse, (prior, values, KEY), None, members)


def training(config: Config, layout: Layout) -> Iterator[Program]:
    """A step of training of the autoencoder and of the score model."""
    kept, plain = (prior_of(config, layout, trained=trained) for trained in (False, True))
    yield _step(
        "autoencoder, training step",
        [autoencoder_loss_of(prior, layout) for prior in (kept, plain)],
        nnx.state(kept.space.autoencoder),
        PairBatch(*_normal((config.autoencoder.training.batch_size, *layout.shape), 2)),
        config.autoencoder.training,
    )
    count = config.denoiser.training.batch_size
    shape = (count, *latent_shape_of(config.autoencoder, layout))
    increment, background = _normal(shape, 2)
    lead = jnp.full(count, LEAD_HOURS)
    yield _step(
        "score model, training step",
        [denoising_loss_of(prior) for prior in (kept, plain)],
        nnx.state(kept.network),
        DenoisingBatch(increment, Condition(background, lead)),
        config.denoiser.training,
    )


def _step(
    name: str,
    losses: list[Loss],
    params: Any,  # noqa: ANN401  parameters
    batch: Any,  # noqa: ANN401  whatever the loss takes
    settings: TrainingConfig,
) -> Program:
    """A step of training under two losses: as it is run, and without recomputation."""
    optimizer = make_optimizer(training_plan(settings))
    state = initial_state(params, optimizer)
    step, plain = (make_step(loss, optimizer, settings.ema_decay) for loss in losses)
    return Program(name, step, (state, batch, KEY), plain, settings.batch_size)


def _normal(shape: tuple[int, ...], count: int) -> list[jax.Array]:
    return [jax.random.normal(jax.random.fold_in(KEY, i), shape) for i in range(count)]


def compile_program(program: Program) -> tuple[Any, float]:
    """The executable, and how many seconds it took beside the others."""
    begin = perf_counter()
    executable = jax.jit(program.function).lower(*program.arguments).compile()
    return executable, perf_counter() - begin


def table_row(program: Program, executable: Any, repeat: int, rate: float) -> dict[str, object]:  # noqa: ANN401  what XLA compiled
    """One row of the table."""
    seconds = timed(lambda: executable(*program.arguments), repeat)
    flop = None if program.plain is None else count_products(program.plain, *program.arguments)
    return {
        "program": program.name,
        "cases": program.cases,
        "seconds": seconds,
        "memory, GB": planned_bytes(executable) / 1e9,
        "TFLOP": math.nan if flop is None else flop / 1e12,
        "share of the rate": math.nan if flop is None else flop / seconds / rate,
    }


def planned_bytes(executable: Any) -> float:  # noqa: ANN401  what XLA compiled
    """Memory that XLA plans for a program with its arguments and results."""
    plan = executable.memory_analysis()
    held = plan.argument_size_in_bytes + plan.temp_size_in_bytes + plan.output_size_in_bytes
    return float(held)


def timed(call: Callable[[], Any], repeat: int) -> float:
    """Median seconds of a call, after one that is not counted."""
    wait: Callable[[Any], Any] = jax.block_until_ready
    _, *taken = (measured(lambda: wait(call()))[1].seconds for _ in range(1 + repeat))
    return statistics.median(taken)


def matrix_rate() -> float:
    """Operations a second of a product of square matrices in half precision."""
    size = 1024 if jax.default_backend() == "cpu" else 8192
    left, right = (matrix.astype(jnp.bfloat16) for matrix in _normal((size, size), 2))
    product = jax.jit(jnp.matmul)
    return 2 * size**3 / timed(lambda: product(left, right), repeat=10)


PARTS = {"networks": networks, "analyses": analyses, "peers": peers, "training": training}


if __name__ == "__main__":
    main()
