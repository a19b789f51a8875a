"""The stages of a run: what defines each, what it reads and what it makes.

    truth → backgrounds → statistics → autoencoder → cycled → denoiser → candidates → aligned
                              └→ covariance               └→ model_error   (and the controls)

    ... → closed_loop_0 → correction_0 → closed_loop_1 → correction_1 → ...

A stage is known by its name to those that build on it. To make one, `run_stage` is given what is
declared here and the work. The configuration goes with it into the record of the stage, so that
later commands can use it.
"""

from collections.abc import Mapping
from typing import Any

from align_da.config import BEFORE_ROUNDS, Config
from align_da.config.table import table_of
from align_da.errors import ConfigError
from align_da.registry import FORECAST_MODELS, OBJECTIVES, REWARDS
from align_da.runs.analyses import stages_of_cycles
from align_da.runs.forecast_model_files import forecast_model_definition
from align_da.runs.parts import digests_of_foreign
from align_da.runs.rounds import rounds_averaged
from align_da.runs.shipped_parts import digests_of_shipped, shipped_correction
from align_da.runs.weight_names import (
    CORRECTION,
    FORECAST_SCALING,
    MODEL_ERROR,
    MODEL_SPACE_SCALING,
    REPRESENTATION,
    SCALING,
)
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage, digest_of_stage

_SPLITS = ("train", "validation", "test")
_OF_CYCLES_ALONE = {"split", "cycles", "correction_share", "correction_reach_km", "outage"}
"""Keys of [cycle] that rounds of closed-loop learning do not look at."""

_REPORTS = 2  # another number for another reading of the same files


def truth_stage(config: Config, folder: RunFolder) -> Stage:
    """The nature run, or ERA5."""
    era5 = [] if config.era5 is None else [config.era5]
    foreign = digests_of_foreign(FORECAST_MODELS, config.world.model)
    defined_by = [config.world, *era5, *foreign.items()]
    return Stage("truth", defined_by, [], [folder.truth], table_of(config))


def backgrounds_stage(config: Config, folder: RunFolder) -> Stage:
    """Forecasts from the perturbed truth."""
    defined_by = [config.seed, config.backgrounds, *forecast_model_definition(config)]
    products = [folder.backgrounds(split) for split in _SPLITS]
    return Stage("backgrounds", defined_by, ["truth"], products, table_of(config))


def coarse_backgrounds_stage(config: Config, folder: RunFolder) -> Stage:
    """Coarse maps in the place of backgrounds."""
    defined_by = [config.seed, config.backgrounds, config.coarse_map]
    products = [*(folder.backgrounds(split) for split in _SPLITS), folder.map_correction]
    return Stage("backgrounds", defined_by, ["truth"], products, table_of(config))


def statistics_stage(folder: RunFolder) -> Stage:
    """Statistics of the training period."""
    return Stage("statistics", [], ["backgrounds"], [folder.statistics])


def autoencoder_stage(config: Config, folder: RunFolder) -> Stage:
    """The autoencoder, and what it cannot hold."""
    products = [folder.weights("autoencoder"), folder.weights(REPRESENTATION)]
    defined_by = [config.seed, config.autoencoder]
    return Stage("autoencoder", defined_by, ["statistics"], products, table_of(config))


def cycled_stage(config: Config, folder: RunFolder) -> Stage:
    """Backgrounds taken from cycling, and the covariance they were cycled with.

    Raises:
        ConfigError: there are to be none.
    """
    if not config.cycled_backgrounds.segments:
        message = (
            "expected cycled_backgrounds.segments of at least 1, got 0, which is no cycled "
            "backgrounds: set it, to 8 as in the published chain"
        )
        raise ConfigError(message)
    defined_by = [
        config.seed,
        config.cycled_backgrounds,
        config.latent_three_d_var,
        config.observations,
        config.quality_control,
        config.analysis,
        config.denoiser.correlation_modes,
        config.denoiser.correlation_radius_km,
        config.cycle.window_hours,
        # Nothing where there are none: runs made before there were any go on.
        *([config.cycle.trajectory_hours] if config.cycle.trajectory_hours else []),
        *forecast_model_definition(config),
    ]
    stores = [folder.backgrounds(f"cycled_{split}") for split in ("train", "validation")]
    products = [*stores, folder.weights(FORECAST_SCALING)]
    return Stage("cycled", defined_by, ["autoencoder"], products, table_of(config))


def denoiser_stage(config: Config, folder: RunFolder) -> Stage:
    """The prior "reference" and the statistics of its increments."""
    inputs = ["autoencoder", *_cycled(config)]
    products = [folder.weights("reference"), folder.weights(SCALING)]
    defined_by = [config.seed, config.denoiser]
    return Stage("denoiser", defined_by, inputs, products, table_of(config))


def covariance_stage(config: Config, folder: RunFolder) -> Stage:
    """The background error covariance of 3D-Var in model space."""
    defined_by = [config.three_d_var.modes, config.three_d_var.radius_km]
    inputs = ["statistics", *_cycled(config)]
    products = [folder.weights(MODEL_SPACE_SCALING)]
    return Stage("covariance", defined_by, inputs, products, table_of(config))


def model_error_stage(config: Config, folder: RunFolder) -> Stage:
    """The correction of the forecast model."""
    sections = [config.seed, config.model_error, config.cycle.window_hours]
    defined_by = [*sections, *forecast_model_definition(config)]
    products = [folder.weights(MODEL_ERROR)]
    return Stage(MODEL_ERROR, defined_by, ["denoiser"], products, table_of(config))


def closed_loop_stage(config: Config, folder: RunFolder) -> Stage:
    """What the cycles of a round have met."""
    number = config.correction.number
    from_reports = learned_from_reports(config)
    learned = {"width", "depth", "stride", "scales_spread", "training", "rounds_kept"}
    defined_by = [
        config.seed,
        config.correction.model_dump(mode="json", exclude=learned),
        config.cycle.model_dump(mode="json", exclude=_OF_CYCLES_ALONE),
        config.letkf,
        config.latent_three_d_var,
        config.three_d_var,
        config.sampler,
        config.guidance,
        config.observations,
        config.quality_control,
        config.analysis,
        *forecast_model_definition(config),
        *([config.reports] if from_reports else []),
        *([config.hybrid_gain] if config.cycle.method == "hybrid_gain" else []),
        *(
            [digest_of_stage(*shipped_correction())]
            if config.correction.starts_from == "shipped"
            else []
        ),
        *digests_of_shipped(config).items(),
    ]
    rounds = [*corrections_of(config, number - 1), f"closed_loop_{number - 1}"]
    before = rounds if number else ["statistics"]
    before += ["observations"] if from_reports else []
    static = ["covariance"] if "static" in config.correction.evidence else []
    products = [folder.closed_loop(number, split) for split in ("train", "validation")]
    inputs = [*stages_of_cycles(config), *static, *before]
    kept = _of_every_round(config)
    return Stage(f"closed_loop_{number}", defined_by, inputs, products, kept)


def inputs_of_cycles(config: Config) -> list[str]:
    """The stages whose results the cycles of [cycle] read; a correction is of the round named."""
    names = ["backgrounds", *stages_of_cycles(config)]
    if config.cycle.correction_share:
        names += corrections_of(config, config.correction.number)
    if config.reports is not None:
        names.append("observations")
    return names


def learned_from_reports(config: Config) -> bool:
    """Whether the correction of analyses learns from reports, and not from what is simulated."""
    return config.correction.target == "observations" and config.reports is not None


def corrections_of(config: Config, number: int) -> list[str]:
    """The stages whose networks act together after round `number`."""
    averaged = rounds_averaged(config, number)
    return [f"{CORRECTION}_{one}" for one in averaged if one != BEFORE_ROUNDS]


def rounds_kept(config: Config) -> range:
    """The rounds that the correction of a round is trained on."""
    settings = config.correction
    return range(max(0, settings.number + 1 - settings.rounds_kept), settings.number + 1)


def correction_stage(config: Config, folder: RunFolder) -> Stage:
    """The correction of analyses, after the rounds up to that of the configuration."""
    number = config.correction.number
    before = corrections_of(config, number - 1) if number else []
    inputs = [*(f"closed_loop_{kept}" for kept in rounds_kept(config)), *before]
    name = f"{CORRECTION}_{number}"
    defined_by = [config.seed, config.correction]
    return Stage(name, defined_by, inputs, [folder.weights(name)], _of_every_round(config))


def candidates_stage(config: Config, folder: RunFolder) -> Stage:
    """Candidates of the reference prior with their rewards."""
    settings = config.alignment
    drawing = [
        settings.backgrounds,
        settings.candidates,
        settings.forecast_lead_hours,
        list(settings.rewards),
    ]
    sections = [config.seed, config.sampler, config.analysis, drawing]
    rewards = digests_of_foreign(REWARDS, *settings.rewards)
    defined_by = [*sections, *forecast_model_definition(config), *rewards.items()]
    return Stage("candidates", defined_by, ["denoiser"], [folder.candidates], table_of(config))


def fine_tuning_stage(config: Config, folder: RunFolder, what: str) -> Stage:
    """The aligned prior, or a control."""
    objective = digests_of_foreign(OBJECTIVES, config.alignment.objective)
    defined_by = [config.seed, config.alignment, *objective.items()]
    return Stage(what, defined_by, ["candidates"], [folder.weights(what)], table_of(config))


def observations_stage(form: str, digests: list[str], folder: RunFolder) -> Stage:
    """The reports of observation files with these digests, read as this format."""
    products = [folder.observations, folder.observation_accounts]
    return Stage("observations", [_REPORTS, form, digests], [], products)


def _cycled(config: Config) -> list[str]:
    """The stage of cycled backgrounds, where the configuration asks for them."""
    return ["cycled"] if config.cycled_backgrounds.segments else []


def _of_every_round(config: Config) -> Mapping[str, Any]:
    """The configuration without the number of its round: the next command means another."""
    table = table_of(config)
    return {**table, "correction": {**table["correction"], "round": None}}
