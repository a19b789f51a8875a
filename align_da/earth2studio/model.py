"""The assimilation model: what a run has learned, called as earth2studio calls such models."""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr
from jaxtyping import Int

from align_da.atmosphere import State
from align_da.atmosphere.plausibility import check_plausible
from align_da.config import Config, ReportsConfig, load_config
from align_da.cycling.cycle import Cycle, CycleParts, CycleState, assimilate
from align_da.cycling.cycles import cycles
from align_da.earth2studio.fields import Coordinates, array_of, space_coordinates, states_of
from align_da.earth2studio.frames import FillErrors, errors_of_run, reports_of
from align_da.earth2studio.variables import has_names, observable_names
from align_da.errors import ConfigError, InputError
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.window import reports_in_window
from align_da.runs.analysis_methods import build_analysis
from align_da.runs.filed_reports import batch_of_window, quality_control_of_reports
from align_da.runs.initial_ensemble import ensemble_around
from align_da.runs.observation_errors import errors_of
from align_da.runs.priors import cycle_forecast_model
from align_da.runs.run import Run, open_run

_PLATFORMS = {"cuda": "gpu"}
"""Names of torch for what JAX calls otherwise."""


@dataclass(frozen=True)
class AlignDA:
    """Fulfils `earth2studio.models.da.base.AssimilationModel`.

    Analyses are tuples of one array, as that interface says: all members, with the dimensions
    (ensemble, time, variable, lat, lon), float32, in the memory of the host; their mean is
    `analysis.mean("ensemble")`. Its attribute "observations" counts what became of every row of
    the data frame. A background or first state has no ensemble, or one of as many members as the
    run (`cycle.members`). A single one becomes the mean of members that differ by errors of past
    backgrounds, as at the start of `align-da cycle`.

    With `cycle.trajectory_hours` cycles compare observations with the background at their own
    times; a background that is given stands still.

    Random draws depend on the seed of the run and the number of the cycle alone. Stations are not
    withheld, the watchdog of `align-da cycle` does not look on, and no member is replaced: one
    that is not plausible is an error.

    Attributes:
        run: the run.
        parts: what every cycle is made of.
        fill_errors: gives observations their errors where the data frame has none.
    """

    run: Run
    parts: CycleParts
    fill_errors: FillErrors

    def __call__(
        self,
        background: Any,  # noqa: ANN401 (what is no array is told in words)
        observations: Any = None,  # noqa: ANN401 (a table of pandas, cudf or pyarrow)
        *,
        cycle: int = 0,
    ) -> tuple[xr.DataArray]:
        """One analysis.

        Args:
            background: a DataArray of states at the time of the analysis, SI units.
            observations: data frame of the window around it, or None; its columns are those of
                `align_da.earth2studio.frames`.
            cycle: number that the draws depend on: another for every time, or times share noise.

        Returns:
            The analysis; the background where no observation is used.

        Raises:
            InputError: background or observations are not what they should be, or most
                observations of a variable are rejected.
            BadStateError: a state is not plausible.
        """
        ensemble, time = self._ensemble(background)
        before = CycleState(ensemble, time - self.parts.window, cycle)
        reports = self._reports(observations, time)
        return (_given(assimilate(self.parts, before, ensemble, reports.batch), reports),)

    def create_generator(
        self,
        initial: Any,  # noqa: ANN401
    ) -> Generator[tuple[xr.DataArray], Any, None]:
        """Cycle: every `send` forecasts to the next window and assimilates what is sent.

        Args:
            initial: a DataArray of states one window before the first analysis, SI units.

        Yields:
            First, for `send(None)`, the ensemble that the cycling starts from; then the analysis
            of each window.

        Receives:
            The observations of the next window: a data frame, or None where there are none; also
            as a tuple of one.

        Raises:
            InputError, BadStateError: as an analysis does. That ends the generator: go on with
                another from the last analysis.
        """
        ensemble, time = self._ensemble(initial)
        windows: deque[ObservationBatch] = deque()
        cycling = cycles(self.parts, CycleState(ensemble, time), iter(windows.popleft, None))
        sent = yield (array_of(ensemble, time),)
        while True:
            time += self.parts.window
            reports = self._reports(_only(sent), time)
            windows.append(reports.batch)
            sent = yield (_given(next(cycling), reports),)

    def init_coords(self) -> tuple[Coordinates]:
        """Axes of a background or first state; an axis "ensemble" may precede them."""
        free = Coordinates(time=np.empty(0, "datetime64[ns]"))
        return (Coordinates(free | space_coordinates(self.run.layout)),)

    def input_coords(self) -> tuple[Coordinates]:
        """Columns of the observations: empty arrays of their types, and the variables' names.

        Pressure and elevation may be missing where the rows have no need of them: pressures,
        temperatures and humidities at the surface stay passive without an elevation.
        """
        columns = Coordinates(time=np.empty(0, "datetime64[ns]"))
        for name in ("lat", "lon", "observation"):
            columns[name] = np.empty(0, np.float32)
        columns["variable"] = np.asarray(observable_names(self.run.layout))
        columns["pres"] = columns["elev"] = np.empty(0, np.float32)
        return (columns,)

    def output_coords(
        self,
        input_coords: Sequence[Coordinates],
        request_time: np.ndarray | None = None,
        **_: Any,  # noqa: ANN401 (other attributes of a data frame)
    ) -> tuple[Coordinates]:
        """Axes of an analysis.

        Args:
            input_coords: those of a background, or what `input_coords` gives.
            request_time: time of the analysis; that of `input_coords` if None.

        Raises:
            InputError: a background without a time, or of another grid or other variables.
        """
        given, space = input_coords[0], space_coordinates(self.run.layout)
        compared = {} if "observation" in given else space
        other = [name for name in compared if not np.array_equal(given.get(name, ()), space[name])]
        if other or "time" not in given:
            told = f"{', '.join(other)} differ from those of init_coords()"
            raise InputError(told if other else "expected coordinates with a time")
        if request_time is None:
            time = given["time"] + given.get("lead_time", np.timedelta64(0, "h"))
        else:
            time = np.atleast_1d(request_time)
        first = Coordinates(ensemble=np.arange(self.run.config.cycle.members), time=time)
        return (Coordinates(first | space),)

    def to(self, device: Any) -> "AlignDA":  # noqa: ANN401 (a name, or a device of torch)
        """This model, if it runs on such a device: JAX has chosen when the process started.

        Raises:
            ConfigError: it runs on another.
        """
        kind = str(getattr(device, "type", device)).split(":")[0]
        if _PLATFORMS.get(kind, kind) != jax.default_backend():
            message = (
                f"expected the device that JAX runs on ({jax.default_backend()}), got {device}: "
                "set JAX_PLATFORMS before Python starts"
            )
            raise ConfigError(message)
        return self

    def _ensemble(self, array: Any) -> tuple[State, np.datetime64]:  # noqa: ANN401
        """As many members as the run has, and their time."""
        given, time = states_of(array, self.run.layout)
        found, members = given.values.shape[0], self.run.config.cycle.members
        if "ensemble" not in array.dims:
            given = ensemble_around(self.run, given)
        elif found != members:
            message = (
                f"expected an ensemble of {members} members or a single state without the "
                f"dimension, got {found}: set cycle.members = {found}"
            )
            raise InputError(message)
        check_plausible(np.asarray(given.values), given.layout, f"states of {time}")
        return given, time

    def _reports(self, frame: Any, time: np.datetime64) -> "_Reports":  # noqa: ANN401
        """The reports of a data frame for the window around `time`.

        Raises:
            InputError: it is no such frame, was requested for other times, or has reports but none
                of this window.
        """
        _check_requested(frame, time)
        reports = self.fill_errors(reports_of(frame, self.run.layout))
        hours = self.run.config.cycle.window_hours
        found = reports_in_window(reports, time, hours)
        if len(reports) and not len(found):
            message = (
                f"expected observations of the {hours} hours around {time}, got "
                f"{reports['time'].min()} to {reports['time'].max()}"
            )
            raise InputError(message)
        settings = self.run.config.reports or ReportsConfig()
        batch = batch_of_window(self.run, settings, found, time)
        missing = int((reports["flag"] == "missing").sum())
        return _Reports(batch, len(found), missing, len(reports) - missing - len(found))


@dataclass(frozen=True)
class _Reports:
    """The reports of a data frame.

    Attributes:
        batch: those of the window that have a value, padded.
        count: their number.
        missing: number of those without a value, a place or a time.
        outside: number of those that are not of the window.
    """

    batch: ObservationBatch
    count: int
    missing: int
    outside: int

    def told(self, flag: Int[np.ndarray, " observation"]) -> str:
        """What became of every row, given the flags of the batch after quality control."""
        flags = flag[: self.count]  # padding comes after them
        counts = {kind.name.lower(): int((flags == kind).sum()) for kind in Flag}
        counts["missing"] += self.missing
        counts["outside the window"] = self.outside
        return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none"


def _given(cycle: Cycle, reports: _Reports) -> xr.DataArray:
    """The analysis of a cycle as it is given away.

    Raises:
        BadStateError: it is not plausible.
    """
    state, time = cycle.analysis, cycle.valid_time
    check_plausible(np.asarray(state.values), state.layout, f"analysis of {time}")
    told = reports.told(np.asarray(cycle.observations.flag))
    return array_of(state, time, cycle=cycle.number, observations=told)


def open_model(
    run: Path,
    config: Path | None = None,
    overrides: Sequence[str] = (),
    fill_errors: FillErrors | None = None,
) -> AlignDA:
    """The model of a run, given as to any command of `align-da`.

    Args:
        run: the folder of the run, with what its method has learned.
        config: TOML file of the run; the defaults where None.
        overrides: items "section.key=value", such as "cycle.method=letkf", "cycle.members=20".
        fill_errors: gives observations without an error theirs; those of the section
            [observations] if None. `data_pipelines.observations.error_table.with_errors` has those
            that depend on level and instrument, which real observations of a run have.

    Raises:
        ConfigError: the configuration is wrong, its watchdog would do more than warn, or its
            states have no names in earth2studio.
        StorageError: something is missing in the folder, or damaged.
    """
    settings = load_config(config, overrides)
    opened = open_run(settings, run)
    _check_usable(settings, opened)
    parts = CycleParts(
        cycle_forecast_model(opened),
        build_analysis(opened),
        settings.cycle.window_hours,
        quality_control_of_reports(opened),
        settings.seed,
        settings.cycle.physical_bounds,
        operator_for=opened.operator_for,
        trajectory_hours=settings.cycle.trajectory_hours,
    )
    filled = fill_errors or partial(errors_of_run, errors=errors_of(settings.observations))
    return AlignDA(opened, parts, filled)


def _check_usable(config: Config, run: Run) -> None:
    if config.cycle.watchdog.policy != "warn":
        message = (
            f"cycle.watchdog.policy = {config.cycle.watchdog.policy!r} acts in `align-da cycle` "
            "alone: set cycle.watchdog.policy = 'warn'"
        )
        raise ConfigError(message)
    if not has_names(run.layout):
        message = (
            "expected states of the atmosphere, whose variables have names in earth2studio, got "
            f"{', '.join(run.layout.variables)}"
        )
        raise ConfigError(message)


def _only(sent: Any) -> Any:  # noqa: ANN401 (a data frame, None, or a tuple of one)
    """What was sent, out of its tuple.

    Raises:
        InputError: there are several.
    """
    if not isinstance(sent, tuple):
        return sent
    if len(sent) != 1:
        message = f"expected one data frame of observations or None, got {len(sent)} arguments"
        raise InputError(message)
    return sent[0]


def _check_requested(frame: Any, time: np.datetime64) -> None:  # noqa: ANN401
    """Refuse a data frame whose source says that it was asked for at other times."""
    told = getattr(frame, "attrs", {})
    if "request_time" not in told:
        return
    times = np.atleast_1d(np.asarray(told["request_time"], "datetime64[ns]"))
    leads = np.atleast_1d(np.asarray(told.get("request_lead_time", 0), "timedelta64[ns]"))
    asked = (times[:, None] + leads).ravel()
    if time not in asked:
        message = f"expected observations requested for {time}, got those of {asked}"
        raise InputError(message)
