"""Cost of analyses and of steps of training, by small networks of the kind of the paper.

Networks are narrow (64 instead of 1024 channels, 2 instead of 24 blocks), so that two cores can
run them; every channel keeps one latent, as in the paper. Weights are random.
"""

from align_da.assimilation.contract import Analysis
from align_da.assimilation.latent_score import LatentScoreAnalysis
from align_da.assimilation.latent_three_d_var import LatentThreeDVar
from align_da.assimilation.letkf import LETKF, Localisation
from align_da.config import Config, load_config
from align_da.observations.interpolation import interpolation_operator
from align_da.prior.latent_prior import LatentPrior
from align_da.runs.guidances import build_posterior_sampler
from align_da.verification.cost import Cost
from experiments.paper_size.run import CONFIG, Program, analysis_program, training
from experiments.paper_size.synthetic import prior_of
from experiments.scaling.costs import cost_of_program
from experiments.scaling.sizes import Size

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
    near = Localisation((settings.radius_km or 0.0) * 1e3, settings.depth)
    method = LETKF(interpolation_operator, near, settings.inflation, settings.relaxation)
    program = analysis_program("", lambda _: method, None, size.members, config, size.layout)
    return {"LETKF": cost_of_program(program, repeat)}


def training_steps(size: Size, repeat: int) -> dict[str, Cost]:
    """A step of training of the autoencoder and of the score model."""
    programs = training(config_at(size), size.layout)
    return {program.name: cost_of_program(program, repeat) for program in programs}
