"""Which round of learning in cycles a command means where the configuration names none.

Rounds are made one after another: the next is the first whose correction has not been trained.
Analyses are corrected by what the last one has taught.
"""

from itertools import count

from align_da.config import BEFORE_ROUNDS, Config, CorrectionConfig
from align_da.errors import ConfigError, StorageError
from align_da.runs.shipped_parts import fits_shipped_corrections, with_shipped_corrections
from align_da.runs.weight_names import CORRECTION
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import finished_stages


def with_next_round(config: Config, folder: RunFolder) -> Config:
    """The configuration with the round that is to be made, unless it names one.

    Raises:
        ConfigError: segments have no room for a further round, or it names what there is before
            any round.
    """
    if config.correction.round == BEFORE_ROUNDS:
        message = (
            "expected correction.round from 0 on, or none, which is the next, got "
            f"{BEFORE_ROUNDS}: what rounds start from is there already"
        )
        raise ConfigError(message)
    if config.correction.round is not None:
        return _with_all_shares(config)
    taught = _rounds_taught(folder)
    return with_round(config, next(number for number in count() if number not in taught))


def with_last_round(config: Config, folder: RunFolder) -> Config:
    """The configuration with the round whose correction acts in cycles, unless it names one.

    Where no correction acts it is round 0, whatever has been trained. Before any has been trained
    it is what rounds start from. Where nothing says what acts, it is what has been shipped, if
    that has been learned in cycles like these and nothing else has been in this run.

    Raises:
        StorageError: none has been trained.
    """
    if _takes_what_is_shipped(config, folder):
        return with_shipped_corrections(config)
    config = _with_all_shares(config)
    if config.correction.round is not None:
        return config
    if config.cycle.correction_share == 0:
        return with_round(config, 0)
    taught = _rounds_taught(folder)
    if taught:
        return with_round(config, max(taught))
    if config.correction.starts_from == "shipped":
        return with_round(config, BEFORE_ROUNDS)
    message = (
        f"expected the correction of a round in {folder.root}, found none: run align-da data "
        'rounds, set correction.starts_from = "shipped" in the embedded world, or '
        "cycle.correction_share = 0"
    )
    raise StorageError(message)


def with_round(config: Config, number: int) -> Config:
    """The configuration of one round, in which shares without a value are 0.

    Raises:
        ConfigError: segments have no room for it.
    """
    # Read anew, so that what does not fit is refused; a dump would lack what digests leave out.
    correction = CorrectionConfig(**dict(config.correction) | {"round": number})
    return _with_all_shares(config).model_copy(update={"correction": correction})


def rounds_averaged(config: Config, number: int) -> range:
    """The rounds whose networks are averaged after round `number`."""
    settings = config.correction
    first = BEFORE_ROUNDS if settings.starts_from == "shipped" else 0
    return range(max(first, number + 1 - settings.averaged), number + 1)


def _takes_what_is_shipped(config: Config, folder: RunFolder) -> bool:
    """Whether the choice of what corrects cycles is left to us, and the shipped weights fit."""
    cycle = config.cycle
    return (
        cycle.correction_share is None
        and cycle.model_error_share is None
        and config.correction.round in {None, BEFORE_ROUNDS}
        and fits_shipped_corrections(config)
        and not _rounds_taught(folder)
    )


def _with_all_shares(config: Config) -> Config:
    """The configuration with 0 for every share of a correction that has no value."""
    cycle = config.cycle
    shares = {
        "correction_share": cycle.correction_share or 0.0,
        "model_error_share": cycle.model_error_share or 0.0,
    }
    return config.model_copy(update={"cycle": cycle.model_copy(update=shares)})


def _rounds_taught(folder: RunFolder) -> set[int]:
    """Rounds whose correction has been trained."""
    prefix = f"{CORRECTION}_"
    stages = finished_stages(folder)
    return {int(name.removeprefix(prefix)) for name in stages if name.startswith(prefix)}
