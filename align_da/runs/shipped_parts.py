"""What a run takes from the weights that come with the library, in the place of its own."""

from align_da.config import BEFORE_ROUNDS, Config, load_config
from align_da.errors import ConfigError
from align_da.runs.weight_names import CORRECTION, MODEL_ERROR
from align_da.storage.run_folder import RunFolder
from align_da.storage.shipped import SHIPPED_CONFIG, shipped_folder
from align_da.storage.stage_definition import digest_of_stage

_OF_PERIODS = {
    *("start", "spin_up_days", "train_days", "gap_days", "validation_days", "test_days"),
}
"""Keys of [world] on which errors of the forecast model do not depend."""
_OF_NETWORK = ("acts", "evidence", "scales_spread", "width", "depth", "stride")
"""Keys of [correction] that a network has to be made with to be loaded."""
_REACH_KM = 1000.0  # chosen on validation: experiments/closed_loop/notes.md


def shipped_correction() -> tuple[RunFolder, str]:
    """The folder of the shipped weights, and the name of the correction among them."""
    folder = RunFolder(shipped_folder())
    return folder, f"{CORRECTION}_{_shipped_config(folder).correction.number}"


def takes_shipped_model_error(config: Config) -> bool:
    """Whether forecasts of cycles are corrected by what has been shipped."""
    return bool(config.cycle.model_error_share) and config.model_error.taken_from == "shipped"


def shipped_model_error(config: Config) -> tuple[RunFolder, Config]:
    """The folder of the shipped weights with their configuration, for a forecast model.

    Args:
        config: of the run whose forecasts are to be corrected.

    Raises:
        ConfigError: they have learned from forecasts of another model.
    """
    folder = RunFolder(shipped_folder())
    shipped = _shipped_config(folder)
    learned, here = _what_errors_depend_on(shipped), _what_errors_depend_on(config)
    apart = [
        f"{key} {learned[key]!r}, here {here[key]!r}" for key in here if here[key] != learned[key]
    ]
    if apart:
        message = (
            "expected forecasts like those that the shipped correction was learned from, got "
            f"others ({'; '.join(apart)}): train one of your own (align-da train model_error) and "
            'set model_error.taken_from = "training"'
        )
        raise ConfigError(message)
    return folder, shipped


def fits_shipped_corrections(config: Config) -> bool:
    """Whether cycles are like those that the shipped corrections have been learned in.

    These are of the same world and method. Reports are none of it.
    """
    shipped = _shipped_config(RunFolder(shipped_folder()))
    return (
        config.reports is None
        and _what_errors_depend_on(shipped) == _what_errors_depend_on(config)
        and _cycled_as(shipped) == _cycled_as(config)
    )


def with_shipped_corrections(config: Config) -> Config:
    """The configuration with both shipped corrections, of the shares chosen for them.

    They were learned with stations that lie anywhere. With others, which crowd as radiosondes do,
    the correction of analyses acts near them: far away it did harm (experiments/embedded_world).
    """
    shipped = _shipped_config(RunFolder(shipped_folder()))
    chosen, reach = shipped.cycle, config.cycle.correction_reach_km
    if reach is None and config.observations.network != shipped.observations.network:
        reach = _REACH_KM
    shares = {
        "correction_share": chosen.correction_share,
        "correction_reach_km": reach,
        "model_error_share": chosen.model_error_share,
    }
    rounds = {"starts_from": "shipped", "round": BEFORE_ROUNDS}
    return config.model_copy(
        update={
            "cycle": config.cycle.model_copy(update=shares),
            "correction": config.correction.model_copy(update=rounds),
            "model_error": config.model_error.model_copy(update={"taken_from": "shipped"}),
        }
    )


def digests_of_shipped(config: Config) -> dict[str, str]:
    """Digests of what cycles take from the shipped weights, by name.

    Not what the rounds of a correction have started from: that is among the digests of rounds.

    Raises:
        ConfigError: see `shipped_model_error`.
    """
    taken = []
    if takes_shipped_model_error(config):
        taken.append((shipped_model_error(config)[0], MODEL_ERROR))
    if config.cycle.correction_share and config.correction.round == BEFORE_ROUNDS:
        taken.append(shipped_correction())
    return {f"shipped {name}": digest_of_stage(folder, name) for folder, name in taken}


def _shipped_config(folder: RunFolder) -> Config:
    return load_config(folder.root / SHIPPED_CONFIG)


def _cycled_as(config: Config) -> list[object]:
    of_network = [getattr(config.correction, key) for key in _OF_NETWORK]
    return [config.cycle.method, config.cycle.trajectory_hours, *of_network]


def _what_errors_depend_on(config: Config) -> dict[str, object]:
    """The keys of forecasts one cycle window long."""
    world = config.world.model_dump(exclude=_OF_PERIODS)
    named = {f"world.{key}": value for key, value in world.items()}
    return {**named, "cycle.window_hours": config.cycle.window_hours}
