"""What cycles ask of the run that they are of: windows of whole steps, and enough backgrounds.

Both are known before anything is opened, from the configuration and the record of a stage.
"""

from align_da.config import Config
from align_da.errors import ConfigError
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import is_finished, read_stage_record

_STEPPED_BY_WORLD = {"jcm", "lorenz96"}


def check_cycles_fit(config: Config, folder: RunFolder) -> None:
    """Refuse windows that forecasts do not meet, and more members than there are backgrounds.

    Raises:
        ConfigError: the window is no multiple of the step, or there are fewer training backgrounds
            than members; names the keys.
        StorageError: the record of the backgrounds is damaged.
    """
    check_window(config)
    starts = _train_starts(config, folder)
    if starts is not None:
        check_members(config.cycle.members, starts)


def check_window(config: Config) -> None:
    """Refuse a window that is no multiple of the step; that of a brought model is not known here.

    Raises:
        ConfigError: says which keys do not fit.
    """
    steps: dict[str, int] = {}
    if config.world.model in _STEPPED_BY_WORLD:
        steps["world.step_hours"] = config.world.step_hours
    if config.onnx is not None:
        steps["onnx.step_hours"] = config.onnx.step_hours
    window = config.cycle.window_hours
    for key, step in steps.items():
        if window % step:
            message = (
                f"expected a window of a multiple of {step} hours, from one forecast state to "
                f"another ({key} = {step}), got cycle.window_hours = {window}: take a multiple, "
                f"or another {key} and make the run anew"
            )
            raise ConfigError(message)


def check_members(members: int, starts: int) -> None:
    """Refuse more members than there are training backgrounds, whose errors they start with.

    Raises:
        ConfigError: there are fewer.
    """
    if members > starts:
        message = (
            f"expected at most {starts} members, as many as there are training backgrounds, got "
            f"cycle.members = {members}: lower it, or raise backgrounds.train_starts"
        )
        raise ConfigError(message)


def _train_starts(config: Config, folder: RunFolder) -> int | None:
    """Training backgrounds that were made or will be; None of those of earlier versions."""
    if not is_finished(folder, "backgrounds"):
        return config.backgrounds.train_starts
    made = read_stage_record(folder, "backgrounds").config.get("backgrounds", {})
    starts: int | None = made.get("train_starts")
    return starts
