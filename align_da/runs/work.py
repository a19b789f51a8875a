"""The work of a command: the stages that it makes, and what has to be there before it begins.

Nothing that computes is imported for it: what is missing is told before the work is loaded.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from align_da.config import Config
from align_da.errors import StorageError
from align_da.runs import stage_graph as graph
from align_da.runs.fitting_cycles import check_cycles_fit, check_window
from align_da.runs.rounds import with_last_round, with_next_round, with_round
from align_da.runs.weight_names import CORRECTION, FINE_TUNINGS, PRIORS
from align_da.storage.run_folder import RunFolder
from align_da.storage.stage_definition import Stage
from align_da.storage.stage_record import record_path
from align_da.storage.store_places import ledger_path

_COMMANDS = {
    **{name: f"data {name}" for name in ("truth", "backgrounds", "statistics", "cycled")},
    **{name: f"train {name}" for name in ("autoencoder", "denoiser", "covariance", "model_error")},
    **{name: f"align {name}" for name in ("candidates", *FINE_TUNINGS)},
    "observations": "data observations FILES",
}
_WITHOUT_CONFIGURATION = {"data observations"}
_ABOUT_CYCLES = {"verify", "monitor", "explain", "impact", "data export-observations"}
_WITH_ENSEMBLES = {"cycle", "data closed_loop", "data rounds"}
_OF_ROUNDS = {"closed_loop": "data closed_loop", CORRECTION: "train correction"}
_MAKES: Mapping[str, Callable[[Config, RunFolder], Stage]] = {
    "data truth": graph.truth_stage,
    "data backgrounds": graph.backgrounds_stage,
    "data coarse": graph.coarse_backgrounds_stage,
    "data cycled": graph.cycled_stage,
    "data statistics": lambda _, folder: graph.statistics_stage(folder),
    "data closed_loop": lambda config, folder: graph.closed_loop_stage(
        with_next_round(config, folder), folder
    ),
    "train autoencoder": graph.autoencoder_stage,
    "train denoiser": graph.denoiser_stage,
    "train covariance": graph.covariance_stage,
    "train model_error": graph.model_error_stage,
    "train correction": lambda config, folder: graph.correction_stage(
        with_next_round(config, folder), folder
    ),
    "align candidates": graph.candidates_stage,
    **{f"align {what}": partial(graph.fine_tuning_stage, what=what) for what in FINE_TUNINGS},
}


@dataclass(frozen=True)
class Need:
    """What a command reads.

    Attributes:
        what: it is.
        path: is there when it is.
        command: makes it, without "align-da" and its options; empty where that is not known.
    """

    what: str
    path: Path
    command: str

    @property
    def there(self) -> bool:
        """Whether it has been made."""
        return self.path.exists()


@dataclass(frozen=True)
class Work:
    """What a command is to do.

    Attributes:
        stages: that it makes, in their order.
        needs: what has to be there before it begins.
        reads: names of the stages that it builds on.
    """

    stages: tuple[Stage, ...]
    needs: tuple[Need, ...]
    reads: tuple[str, ...] = ()


def work_of(
    command: str,
    config: Config,
    folder: RunFolder,
    cycles: Sequence[str] = (),
    rounds: int | None = None,
) -> Work:
    """The work of a command on a run.

    Args:
        command: such as "train denoiser", without "align-da" and its options.
        config: the configuration.
        folder: of the run.
        cycles: names of the cycling runs that it is about.
        rounds: of "data rounds".

    Raises:
        StorageError: analyses are to be corrected, and no correction has been trained.
        ConfigError: segments have no room for a further round, or cycles do not fit to the run.
    """
    if command in _WITH_ENSEMBLES:
        check_cycles_fit(config, folder)
    elif command == "data cycled":
        check_window(config)
    stages = tuple(_stages_of(command, config, folder, rounds))
    made = {stage.name for stage in stages}
    inputs = dict.fromkeys(name for stage in stages for name in stage.inputs)
    read = [name for name in inputs if name not in made]
    if command == "cycle":
        read += graph.inputs_of_cycles(with_last_round(config, folder))
    weights = _weights_of(command, config)
    written = cycles if command in _ABOUT_CYCLES else ()
    needs = (
        *([] if command == "data truth" else [_truth(folder)]),
        *(_finished(folder, name) for name in read),
        *(_trained(folder, name) for name in weights),
        *(cycled(folder, name) for name in written),
    )
    return Work(stages, needs, (*([] if command == "data truth" else ["truth"]), *read))


def cycled(folder: RunFolder, name: str) -> Need:
    """The cycles of a run."""
    store = folder.cycles(name)
    return Need(f"the cycles {name!r} in {store}", ledger_path(store), f"cycle --name {name}")


def check_needs(needs: Sequence[Need], options: str) -> None:
    """Refuse to begin what would find nothing to read.

    Args:
        needs: of a command.
        options: what names the run and its configuration, for the command that is told.

    Raises:
        StorageError: names the first that is not there, and the command that makes it.
    """
    for need in needs:
        if not need.there:
            how = f": run it first, {in_full(need.command, options)}" if need.command else ""
            message = f"expected {need.what}, found none{how}"
            raise StorageError(message)


def in_full(command: str, options: str) -> str:
    """A command as one writes it in a shell, with those of the options that it has.

    Args:
        command: without "align-da" and these options.
        options: what names the run, which every command has, and then its configuration.
    """
    if " ".join(command.split()[:2]) in _WITHOUT_CONFIGURATION:
        options = shlex.join(shlex.split(options)[:2])
    return f"align-da {command} {options}"


def command_of(folder: RunFolder, name: str) -> str:
    """What makes a stage, without "align-da" and its options; empty where that is not known."""
    if name == "backgrounds" and folder.map_correction.exists():
        return "data coarse"
    return _COMMANDS.get(name) or _OF_ROUNDS.get(name.rpartition("_")[0], "")


def _stages_of(
    command: str, config: Config, folder: RunFolder, rounds: int | None
) -> Iterator[Stage]:
    """The stages that a command makes."""
    if command in _MAKES:
        yield _MAKES[command](config, folder)
    if command == "data rounds":
        for number in range(rounds or config.correction.rounds):
            settings = with_round(config, number)
            yield graph.closed_loop_stage(settings, folder)
            yield graph.correction_stage(settings, folder)


def _weights_of(command: str, config: Config) -> Sequence[str]:
    """Weights that a command reads which makes no stage."""
    priors = {
        "align leads": PRIORS[:1],
        "align compare": PRIORS,
        "benchmark": (*config.benchmark.priors, *config.benchmark.controls),
        "downscale": config.downscaling.priors,
    }
    return [name for name in priors.get(command, ()) if name != "static"]


def _truth(folder: RunFolder) -> Need:
    return Need(f"the truth of the run at {folder.truth}", folder.truth, "data truth")


def _finished(folder: RunFolder, name: str) -> Need:
    what = f"the finished stage {name!r} in {folder.stages}"
    return Need(what, record_path(folder, name), command_of(folder, name))


def _trained(folder: RunFolder, name: str) -> Need:
    path = folder.weights(name)
    command = "train denoiser" if name == PRIORS[0] else f"align {name}"
    return Need(f"the weights of the prior {name!r} in {path}", path, command)
