"""The commands of `align-da data`: each makes one product in the folder of the run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from align_da.config import Config, Era5Config, WorldConfig
from align_da.parallel.progress import progress_bar
from align_da.storage.durable import write_durably
from align_da.storage.run_folder import RunFolder
from align_da.terminal.beginning import begin_work
from align_da.terminal.options import (
    DEFAULT_RUN,
    ConfigOption,
    DryRunOption,
    RunNameOption,
    RunOption,
    SetOption,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Make the data of the embedded world.",
    epilog="Example: align-da data truth --run runs/mine",
)


def _begin(
    command: str,
    run: Path,
    config: Path | None,
    override: list[str] | None,
    cycles: Sequence[str] = (),
    rounds: int | None = None,
    *,
    dry_run: bool = False,
) -> Config:
    """The configuration of a command that begins its work, or is told of; see `begin_work`."""

    def disk_of(config: Config, run: Path) -> Mapping[str, int]:
        from data_pipelines.disk import disk_of_data

        return disk_of_data(command, config, run)

    return begin_work(
        command, run, config, override, cycles, rounds=rounds, dry_run=dry_run, disk_of=disk_of
    )


@app.command()
def truth(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that read ERA5.")] = 2,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Simulate the nature run, or read ERA5; goes on where a killed run has stopped."""
    settings = _begin("data truth", run, config, override, dry_run=dry_run)
    from align_da.runs.stage_graph import truth_stage
    from align_da.storage.stages import run_stage

    def make() -> None:
        if settings.era5 is None:
            _simulate(settings, run)
        else:
            _read_era5(settings.world, settings.era5, run, workers)

    folder = RunFolder(run)
    run_stage(folder, truth_stage(settings, folder), make)


def _simulate(config: Config, run: Path) -> None:
    """The nature run; one process, since each state follows from the one before."""
    # Heavy imports come after the configuration is known to be right.
    from align_da.storage.compiled_programs import use_compilation_cache
    from data_pipelines.model_run import run_model
    from data_pipelines.nature_run import run_nature

    use_compilation_cache()
    with progress_bar() as progress:
        if config.world.model == "jcm":
            run_nature(config.world, run, progress)
        else:
            run_model(config, run, progress)


def _read_era5(world: WorldConfig, era5: Era5Config, run: Path, workers: int) -> None:
    """The states that [era5] names."""
    from data_pipelines.era5 import make_era5_truth

    with progress_bar() as progress:
        make_era5_truth(world, era5, run, workers, progress)


@app.command()
def backgrounds(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that forecast.")] = 2,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Forecast from the perturbed truth; goes on where a killed run has stopped."""
    settings = _begin(
        "data backgrounds",
        run,
        config,
        override,
        dry_run=dry_run,
    )
    from align_da.runs.stage_graph import backgrounds_stage
    from align_da.storage.stages import run_stage
    from data_pipelines.backgrounds import make_backgrounds

    def forecast() -> None:
        with progress_bar() as progress:
            make_backgrounds(settings, run, workers, progress)

    folder = RunFolder(run)
    run_stage(folder, backgrounds_stage(settings, folder), forecast)


@app.command()
def coarse(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Interpolate coarse maps of the truth: the backgrounds of a run that downscales."""
    settings = _begin(
        "data coarse",
        run,
        config,
        override,
        dry_run=dry_run,
    )
    from align_da.runs.stage_graph import coarse_backgrounds_stage
    from align_da.storage.stages import run_stage
    from data_pipelines.coarse_backgrounds import make_coarse_backgrounds

    def interpolate() -> None:
        with progress_bar() as progress:
            make_coarse_backgrounds(settings, run, progress)

    folder = RunFolder(run)
    run_stage(folder, coarse_backgrounds_stage(settings, folder), interpolate)


@app.command()
def cycled(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that cycle.")] = 2,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Take backgrounds from cycling with latent 3D-Var; goes on where it was stopped."""
    settings = _begin(
        "data cycled",
        run,
        config,
        override,
        dry_run=dry_run,
    )
    from align_da.runs.stage_graph import cycled_stage
    from align_da.storage.stages import run_stage
    from data_pipelines.cycled_backgrounds import make_cycled_backgrounds

    def take() -> None:
        with progress_bar() as progress:
            make_cycled_backgrounds(settings, run, workers, progress)

    folder = RunFolder(run)
    run_stage(folder, cycled_stage(settings, folder), take)


@app.command("closed_loop")
def closed_loop(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that cycle.")] = 2,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Cycle through the training period for the correction of analyses, a round at a time."""
    settings = _begin(
        "data closed_loop",
        run,
        config,
        override,
        dry_run=dry_run,
    )
    from align_da.runs.rounds import with_next_round
    from data_pipelines.rounds import make_round

    make_round(with_next_round(settings, RunFolder(run)), run, workers)


@app.command()
def rounds(
    count: Annotated[
        int | None, typer.Argument(min=1, help="How many; as many as correction.rounds if none.")
    ] = None,
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that cycle.")] = 2,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Learn the correction of analyses: cycle and train, round after round; goes on if stopped."""
    settings = _begin(
        "data rounds",
        run,
        config,
        override,
        rounds=count,
        dry_run=dry_run,
    )
    from data_pipelines.rounds import make_rounds

    make_rounds(settings, run, count or settings.correction.rounds, workers)


@app.command()
def statistics(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that read and reduce.")] = 2,
    *,
    dry_run: DryRunOption = False,
) -> None:
    """Mean and standard deviation of states, tendencies and background errors."""
    settings = _begin("data statistics", run, config, override, dry_run=dry_run)
    from align_da.runs.stage_graph import statistics_stage
    from align_da.storage.stages import run_stage
    from data_pipelines.statistics import write_statistics

    def reduce() -> None:
        with progress_bar() as progress:
            write_statistics(settings.world, run, workers, progress)

    folder = RunFolder(run)
    run_stage(folder, statistics_stage(folder), reduce)


@app.command()
def observations(
    files: Annotated[list[Path], typer.Argument(help="Observation files.")],
    run: RunOption = DEFAULT_RUN,
    form: Annotated[
        Literal["auto", "bufr", "prepbufr", "ioda", "table"],
        typer.Option("--format", help="Format of the files; auto looks into each."),
    ] = "auto",
) -> None:
    """Read files of real observations into the reports of the run, and count them."""
    from data_pipelines.observations.stage import make_reports

    typer.echo(make_reports(files, form, RunFolder(run)))


@app.command("export-observations")
def export(
    to: Annotated[Path, typer.Option(help="The IODA v3 file to write.")],
    name: RunNameOption = "main",
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
) -> None:
    """Write the observations of a cycling run, with their model equivalents, as IODA v3."""
    settings = _begin("data export-observations", run, config, override, [name])
    from align_da.runs.run import open_run
    from data_pipelines.observations.export import export_observations

    opened = open_run(settings, run)
    store = opened.folder.cycles(name)
    count = export_observations(store, opened.layout, opened.surface_geopotential, to)
    typer.echo(f"{count} observations: {to}")


@app.command()
def report(
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Markdown file; the terminal if none.")] = None,
) -> None:
    """Measure the world: climate, forecast errors, growth of errors, balance, tendencies."""
    settings = _begin("data report", run, config, override)
    from align_da.storage.compiled_programs import use_compilation_cache
    from data_pipelines.world_report import world_report

    use_compilation_cache()
    text = world_report(settings, run)
    if out is None:
        typer.echo(text)
    else:
        write_durably(out, text.encode())
