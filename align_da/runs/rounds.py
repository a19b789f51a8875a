"""Which round of learning in cycles a command means where the configuration names none.

Rounds are made one after another: the next is the first whose correction has not been trained.
Analyses are corrected by what the last one has taught.
"""

from itertools import count

from align_da.config import Config
from align_da.errors import StorageError
from align_da.runs.corrections import CORRECTION
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import finished_stages, is_finished


def with_next_round(config: Config, folder: RunFolder) -> Config:
    """The configuration with the round that is to be made, unless it names one.

    Raises:
        ConfigError: segments have no room for a further round.
    """
    if config.correction.round is not None:
        return config
    return with_round(config, next(n for n in count() if not is_finished(folder, _stage(n))))


def with_last_round(config: Config, folder: RunFolder) -> Config:
    """The configuration with the round whose correction acts in cycles, unless it names one.

    Where no correction acts it is round 0, whatever has been trained.

    Raises:
        StorageError: none has been trained.
    """
    if config.correction.round is not None:
        return config
    if config.cycle.correction_share == 0:
        return with_round(config, 0)
    prefix = _stage("")
    names = [name.removeprefix(prefix) for name in finished_stages(folder) if prefix in name]
    if not names:
        message = (
            f"expected the correction of a round in {folder.root}, found none: run align-da data "
            "rounds, or set cycle.correction_share = 0"
        )
        raise StorageError(message)
    return with_round(config, max(int(name) for name in names))


def with_round(config: Config, number: int) -> Config:
    """The configuration of one round.

    Raises:
        ConfigError: segments have no room for it.
    """
    # Read anew, so that what does not fit is refused.
    correction = config.correction.model_dump() | {"round": number}
    return config.model_copy(update={"correction": type(config.correction)(**correction)})


def _stage(number: int | str) -> str:
    return f"{CORRECTION}_{number}"
