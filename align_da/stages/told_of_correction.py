"""What is told of the learned correction of analyses before cycles in which it acts."""

from align_da.config import BEFORE_ROUNDS, Config
from align_da.runs.shipped_parts import fits_shipped_corrections
from align_da.runs.weight_names import CORRECTION
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_record import is_finished, read_stage_record

_UNKNOWN = "whether it helps here is not known"


def told_of_correction(given: Config, taken: Config, folder: RunFolder) -> list[str]:
    """Lines on a correction that acts unasked, or in other cycles than it has learned in.

    Args:
        given: the configuration as the command was given it.
        taken: the same with the shares and the round that are settled.
        folder: of the run.
    """
    if not taken.cycle.correction_share:
        return []
    if taken.correction.round == BEFORE_ROUNDS:
        return _of_shipped(given, taken)
    return _of_round(taken, folder)


def _of_shipped(given: Config, taken: Config) -> list[str]:
    if not fits_shipped_corrections(taken):
        line = (
            "the shipped correction of analyses has been learned in cycles of another world or "
            f"method, or of simulated observations where these are of files: {_UNKNOWN}"
        )
        return [line]
    if given.cycle.correction_share is not None:
        return []
    cycle = taken.cycle
    reach = cycle.correction_reach_km
    near = "" if reach is None else f" within {reach:g} km of observations"
    line = (
        f"analyses are corrected by {cycle.correction_share:g}{near}, and forecasts by "
        f"{cycle.model_error_share:g}, of what has been learned in this world and is shipped "
        "(--set cycle.correction_share=0 for neither)"
    )
    return [line]


def _of_round(taken: Config, folder: RunFolder) -> list[str]:
    """Records of earlier versions, and those of what is shipped, do not say what was cycled."""
    name, method = f"{CORRECTION}_{taken.correction.number}", taken.cycle.method
    if not is_finished(folder, name):
        return []
    learned = read_stage_record(folder, name).config.get("cycle", {}).get("method", method)
    if learned == method:
        return []
    line = (
        f"the correction of round {taken.correction.number} has been learned in cycles of "
        f"{learned}, and acts in cycles of {method}: {_UNKNOWN}"
    )
    return [line]
