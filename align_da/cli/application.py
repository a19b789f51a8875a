"""The commands of `align-da`, and how an error ends one.

Each command reads its configuration first and imports what it runs after that, so that `--help` is
quick and a mistake is told before JAX is loaded.

Exit codes: 0 done, 1 a fault of Align-DA, 2 configuration, usage or a part of another package, 3
input, 4 storage or integrity, 5 bad state, 6 lost workers, 130 and 143 ended by a signal.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from align_da.cli.observation_worth import explain, impact
from align_da.config import load_config
from align_da.environment import settle_environment
from align_da.errors import ConfigError, StorageError
from align_da.parallel.distributed_processes import Processes
from align_da.storage.run_folder import checked_name
from align_da.terminal.answers import tell, tell_table, words_aside
from align_da.terminal.beginning import settings_to_compute, told_settings
from align_da.terminal.brought_commands import add_brought_commands
from align_da.terminal.errors import errors_as_exit_codes
from align_da.terminal.interruption import interruptible
from align_da.terminal.last_line import forget, tell_last_line
from align_da.terminal.messages import tell_as_asked, tell_warnings
from align_da.terminal.option_values import as_given, checked_names, tell_version
from align_da.terminal.options import (
    DEFAULT_RUN,
    ConfigOption,
    DryRunOption,
    JsonOption,
    RunArgument,
    RunNameOption,
    RunOption,
    SetOption,
)
from align_da.terminal.process_options import (
    CoordinatorOption,
    CountOption,
    DistributedOption,
    ProcessOption,
    TensorOption,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Data assimilation with latent diffusion priors aligned by rewards.",
)


@app.callback(result_callback=tell_last_line)
def common(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=tell_version, help="Tell the version."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell all that libraries tell.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Tell results, warnings and errors alone.")
    ] = False,
) -> None:
    """Options of the program itself, given before the command."""
    tell_as_asked(verbose=verbose, quiet=quiet)
    forget()  # a command before this one, in the same process, may have failed


def main() -> None:
    """Run the command line, which Ctrl-C may end."""
    with interruptible(), errors_as_exit_codes():
        tell_warnings()
        for name in settle_environment():
            typer.echo(f"align-da: {name} would change results: it is not looked at", err=True)
        add_brought_commands(app)
        app()


@app.command(epilog="Example: align-da train denoiser --run runs/mine --set denoiser.width=128")
def train(
    what: Annotated[
        Literal["autoencoder", "denoiser", "covariance", "model_error", "correction"],
        typer.Argument(
            help="What to train; the covariance is that of 3D-Var in model space, the model error "
            "a correction of the forecasts, the correction one of the analyses."
        ),
    ],
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    *,
    dry_run: DryRunOption = False,
    coordinator_address: CoordinatorOption = None,
    num_processes: CountOption = None,
    process_id: ProcessOption = None,
    distributed: DistributedOption = False,
    tensor: TensorOption = 1,
) -> None:
    """Train the autoencoder, the denoiser on its latents, or a correction.

    Several processes that are given the same command train together, on all their devices.
    """
    group = Processes(coordinator_address, num_processes, process_id, distributed, tensor)
    if what == "covariance":
        group.check_alone("the covariance")
    settings = settings_to_compute(f"train {what}", run, config, override, dry_run=dry_run)
    from align_da.stages.train import train as stage

    stage(settings, run, what, group)


@app.command(epilog="Example: align-da align candidates --set alignment.candidates=32")
def align(
    what: Annotated[
        Literal["leads", "candidates", "aligned", "continued", "supervised", "compare"],
        typer.Argument(
            help="Compare leads of the forecast reward; draw and score candidates; fine-tune by "
            "preference, or one of the controls; compare the priors by their rewards."
        ),
    ],
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    *,
    dry_run: DryRunOption = False,
    coordinator_address: CoordinatorOption = None,
    num_processes: CountOption = None,
    process_id: ProcessOption = None,
    distributed: DistributedOption = False,
    tensor: TensorOption = 1,
) -> None:
    """Align the prior with the rewards of its own candidates."""
    group = Processes(coordinator_address, num_processes, process_id, distributed, tensor)
    if what in {"leads", "candidates", "compare"}:
        group.check_alone(what)
    settings = settings_to_compute(f"align {what}", run, config, override, dry_run=dry_run)
    from align_da.stages.align import align as stage

    stage(settings, run, what, group)


@app.command(epilog="Example: align-da cycle --name dps --set guidance.method=dps")
def cycle(
    name: RunNameOption = "main",
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    *,
    cycles: Annotated[
        int | None,
        typer.Option(min=1, help="Cycles in all; a run that has fewer is followed by the rest."),
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Run the assimilation cycle over the test period; goes on where a killed run has stopped.

    A run of this name is gone on with as it was begun. With --cycles it can be extended for ever;
    the cycles that are there stay as they are.
    """
    length = [] if cycles is None else [f"cycle.cycles={cycles}"]
    given = [*(override or ()), *length]
    settings = settings_to_compute("cycle", run, config, given, [name], dry_run=dry_run)
    from align_da.stages.run_cycles import run_cycles

    code = run_cycles(settings, run, name, extend=cycles is not None)
    if code:
        raise typer.Exit(code)


@app.command(epilog="Example: align-da verify --name free_run --name main")
def verify(
    name: Annotated[
        list[str] | None, typer.Option(help="Cycling runs to compare.", callback=checked_names)
    ] = None,
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    *,
    as_json: JsonOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Score cycling runs against the truth and write the report."""
    from align_da.stages.settings_of_scores import SETTINGS_OF_SCORES

    names = name or ["main"]
    settings = settings_to_compute(
        "verify", run, config, override, names, SETTINGS_OF_SCORES, dry_run=dry_run
    )
    from align_da.stages.score_runs import score_runs

    with words_aside(aside=as_json):
        report = score_runs(settings, run, names)
    if as_json:
        from align_da.stages.read_results import read_scores

        tell_table(read_scores(report))


@app.command(epilog="Example: align-da monitor --name main")
def monitor(
    name: RunNameOption = "main",
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say where counts or departures of observations have left their limits of 20 cycles."""
    settings = settings_to_compute("monitor", run, config, override, [name])
    from align_da.stages.monitor_observations import monitor_observations

    with words_aside(aside=as_json):
        alerts = monitor_observations(settings, run, name)
    if as_json:
        from align_da.stages.read_results import read_alerts

        tell_table(read_alerts(alerts))


app.command(epilog="Example: align-da explain runs/ops --cycle 42 --station 01001")(explain)
app.command(epilog="Example: align-da impact runs/ops --lead 24 --cycles 8:40")(impact)


@app.command(epilog="Example: align-da benchmark --set benchmark.dates=24")
def benchmark(
    name: Annotated[
        str, typer.Option(help="Name of the table.", callback=checked_name)
    ] = "single",
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
) -> None:
    """Compare methods on single analyses with the same backgrounds, dates and observations."""
    settings = settings_to_compute("benchmark", run, config, override)
    from align_da.stages.benchmark import benchmark as stage

    stage(settings, run, name)


@app.command(epilog="Example: align-da downscale --set downscaling.dates=24")
def downscale(
    name: Annotated[
        str, typer.Option(help="Name of the table and the store.", callback=checked_name)
    ] = "downscaled",
    config: ConfigOption = None,
    run: RunOption = DEFAULT_RUN,
    override: SetOption = None,
) -> None:
    """Make fine analyses of coarse maps and stations, and compare methods and sources."""
    settings = settings_to_compute("downscale", run, config, override)
    from align_da.stages.downscale import downscale as stage

    stage(settings, run, name)


@app.command(epilog="Example: align-da demo --run runs/demo")
def demo(run: RunOption = Path("runs/demo")) -> None:
    """Cycle with the shipped weights on a short nature run and write a report."""
    from align_da.cli.demonstration import demonstrate

    demonstrate(run, app)


@app.command(epilog="Example: align-da export --name main --to analyses.nc")
def export(
    to: Annotated[Path, typer.Option(help="The netCDF file.")],
    name: RunNameOption = "main",
    run: RunOption = DEFAULT_RUN,
    group: Annotated[
        Literal["analysis", "background", "increment"], typer.Option(help="Which states.")
    ] = "analysis",
) -> None:
    """Write the cycles of a run as one netCDF file that follows the CF conventions."""
    from align_da.stages.check_work import check_cycles

    check_cycles(run, name)
    from align_da.stages.export_analyses import export_analyses

    typer.echo(f"{export_analyses(run, name, group, to)} cycles in {to}")


@app.command(epilog="Example: align-da parts")
def parts() -> None:
    """List what a configuration can name: models, methods, rewards and the like, and whose.

    Parts of other packages are imported: ends with code 2 where one cannot be used.
    """
    from align_da.stages.list_parts import list_parts

    found = list_parts()
    typer.echo(found.text)
    if not found.usable:
        raise typer.Exit(ConfigError.exit_code)


@app.command("config", epilog="Example: align-da config letkf --config mine.toml")
def config_(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[SECTION|KEY]",
            help="Such as letkf, letkf.radius_km or radius_km; all sections where none is given.",
        ),
    ] = None,
    config: ConfigOption = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", "-r", help="Folder of a run: values are those that it has stored."),
    ] = None,
    override: SetOption = None,
    *,
    init: Annotated[
        bool, typer.Option("--init", help="A file with every key, to begin one's own with.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="A JSON schema, for editors.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The page align_da/config/README.md.")
    ] = False,
) -> None:
    """Say what a configuration can say: keys, what they may be, their values and meaning."""
    if run is None:
        settings = load_config(config, override or ())
    else:
        settings = told_settings(run, config, override)
    from align_da.config.reference import described, page, sections
    from align_da.config.schema import json_schema
    from align_da.config.toml import template

    wanted = ((init, template), (schema, json_schema), (markdown, page))
    whole = [text for is_wanted, text in wanted if is_wanted]
    if whole and len(whole) + any((what, config, run, override)) > 1:
        message = (
            "expected --init, --schema or --markdown alone, which tell of every key and its "
            "default: leave the rest out"
        )
        raise ConfigError(message)
    if whole:
        typer.echo(whole[0](), nl=False)
    else:
        typer.echo(sections() if what is None else described(what, settings))


@app.command("list", epilog="Example: align-da list runs/demo")
def list_(
    run: RunArgument,
    config: ConfigOption = None,
    override: SetOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the stages and cycles of a run, what is missing next and the command for it.

    Looks at records and places; `align-da inspect` reads everything.
    """
    settings = told_settings(run, config, override)
    from align_da.stages.list_run import list_run

    tell(list_run(settings, run, as_given(run, config, override)), as_json=as_json)


@app.command(epilog="Example: align-da inspect runs/demo/cycles/align_da.zarr")
def inspect(
    path: Annotated[Path, typer.Argument(help="A store, checkpoint or run folder.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say what a store or checkpoint is, where it came from and whether it is whole.

    Reads everything; names every damaged cycle, variable and file, and then ends with code 4.
    """
    if not path.exists():
        message = f"expected a store, a checkpoint or a run folder at {path}, found nothing"
        raise StorageError(message)
    from align_da.storage.inspection import describe

    found = describe(path)
    tell(found, as_json=as_json)
    if not found.whole:
        raise typer.Exit(StorageError.exit_code)
