"""Fine analyses of a coarse map and stations, by several methods at the same dates.

The background is the map itself, interpolated and corrected (`align-da data coarse`), and its
conditional prior knows the errors of interpolation. The map is then assimilated beside the
stations, as a likelihood term of its own (MODS, arXiv:2506.14798): what the interpolation has lost
of it comes back. Its errors are in background and observation alike; that correlation is
neglected, which is fair as long as they are small beside the errors of interpolation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from align_da.assimilation.contract import Analysis
from align_da.assimilation.free_run import FreeRun
from align_da.atmosphere import State
from align_da.atmosphere.dataset import dataset_from_state
from align_da.config import Config
from align_da.keys import Purpose, key_for
from align_da.observations.batch import Flag, ObservationBatch
from align_da.observations.coarse_maps import CoarseMap
from align_da.observations.coarsening import coarsening_operator
from align_da.observations.contract import Bind
from align_da.observations.sources import joined_batches, stacked_operator
from align_da.parallel.progress import progress_bar
from align_da.runs.alignment_cases import verifiable_places
from align_da.runs.analyses import SingleAnalyses, draws_are_centred
from align_da.runs.analysis_methods import latent_score, single_analyses
from align_da.runs.coarse_map import configured_map, reported_map
from align_da.runs.observing_system import ObservingSystem, observing_system, quality_control_for
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.storage.datasets import write_dataset
from align_da.storage.lock import lock_beside, owned
from align_da.storage.tables import write_table
from align_da.verification.score_table import ROW_COLUMNS, summarise_scores
from align_da.verification.station_scores import score_stations
from align_da.verification.verified_fields import default_fields
from align_da.verification.verify_cycles import score_cycle

REFERENCE = "bilinear"
SOURCES: Mapping[str, tuple[bool, bool]] = {  # whether map and stations are assimilated
    "none": (False, False),
    "map": (True, False),
    "stations": (False, True),
    "both": (True, True),
}


@dataclass(frozen=True)
class TwoSources:
    """What is seen of the truth.

    Attributes:
        run: the run.
        maps: its coarse map.
        stations: its network.
    """

    run: Run
    maps: CoarseMap
    stations: ObservingSystem

    @property
    def operators(self) -> Bind:
        """H of the map and of the stations, in the order of `DownscalingCase.seen`."""
        cells, reports = (p.value.shape[0] for p in (self.maps.planned, self.stations.planned))
        of_map = coarsening_operator(self.maps.cells.grid)
        return stacked_operator([(cells, of_map), (reports, self.run.operator_for)])


@dataclass(frozen=True)
class Experiment:
    """A method with what it may see; called as an `Analysis` is.

    Attributes:
        method: takes map and stations in one batch.
        sources: a name of `SOURCES`.
        centred: whether the mean of its members has no sampling error.
    """

    method: Analysis
    sources: str
    centred: bool


@dataclass(frozen=True)
class DownscalingCase:
    """A date.

    Attributes:
        time: valid time.
        truth: values [lat, lon, channel].
        background: the map interpolated, the same for every member.
        reported: the cells of the map, all flagged pass.
        stations: checked against the background; those withheld are flagged passive.
        key: of the draws.
    """

    time: np.datetime64
    truth: State
    background: State
    reported: ObservationBatch
    stations: ObservationBatch
    key: jax.Array

    def seen(self, sources: str) -> ObservationBatch:
        """Map and stations, those that are not among `sources` flagged passive."""
        parts = zip((self.reported, self.stations), SOURCES[sources], strict=True)
        return joined_batches([batch if used else _hidden(batch) for batch, used in parts])


def downscale(config: Config, folder: Path, name: str) -> None:
    """Write scores of every method as CSV, and the analyses of the last one as a store.

    Raises:
        StorageError: an input is missing or damaged, or another process writes the analyses.
        InputError: the map is finer than the states.
    """
    run = open_run(config, folder)
    with owned(lock_beside(run.folder.downscaled(name))):
        _write_analyses(run, name)


def _write_analyses(run: Run, name: str) -> None:
    """Compute and write scores and analyses."""
    sources = TwoSources(run, configured_map(run), observing_system(run))
    rows, analyses = score_dates(sources, experiments_of(sources))
    key = key_for(run.config.seed, Purpose.VERIFICATION)
    summary = summarise_scores(rows, REFERENCE, run.bootstrap, key)
    target = run.folder.report / "downscaling"
    write_table(target / f"{name}_rows.csv", rows)
    write_table(target / f"{name}.csv", summary)
    times = np.asarray([time for time, _ in analyses], "datetime64[ns]")
    values = State(jnp.stack([state.values for _, state in analyses]), run.layout)
    leading = {"time": times, "realization": np.arange(values.values.shape[1])}
    write_dataset(run.folder.downscaled(name), dataset_from_state(values, leading))


def experiments_of(sources: TwoSources) -> dict[str, Experiment]:
    """The corrected map, the peers with both sources, the priors with each choice of sources."""
    bind = sources.operators
    run = replace(sources.run, operator=bind)
    settings = run.config.downscaling
    found = {"corrected": Experiment(FreeRun(bind), "none", centred=True)}
    peers = single_analyses(run, settings.peers, SingleAnalyses(_mark(run), settings.members))
    for name, peer in zip(settings.peers, peers.values(), strict=True):
        found[f"{name}, both"] = Experiment(peer.method, "both", peer.centred)
    centred = draws_are_centred(run.config.sampler, settings.members)
    for name in settings.priors:
        method = latent_score(run, load_prior(run, name), settings.members)
        found |= {
            f"{name}, {chosen}": Experiment(method, chosen, centred) for chosen in settings.sources
        }
    return found


def downscaling_cases(sources: TwoSources) -> Iterator[DownscalingCase]:
    """The dates, in order, with a bar of those that are done."""
    run, stations, lead = sources.run, sources.stations, _mark(sources.run)
    settings, pairs = run.config.downscaling, run.pairs(run.config.downscaling.split)
    control = quality_control_for(run)
    places = verifiable_places(run.last_time, pairs, lead, 0, settings.dates)
    with progress_bar() as progress:
        for number, place in enumerate(progress.track(places, description="downscale")):
            truth, background = pairs.read(lead, slice(place, place + 1))
            time = pairs.valid_times(lead)[place]
            one = State(truth.values[0], truth.layout)
            repeated = jnp.repeat(background.values, settings.members, axis=0)
            yield DownscalingCase(
                time,
                one,
                State(repeated, background.layout),
                reported_map(run, sources.maps, one, time),
                control(stations.observe(time, number), background),
                key_for(run.config.seed, Purpose.ANALYSIS, number),
            )


def score_dates(
    sources: TwoSources, experiments: Mapping[str, Experiment]
) -> tuple[pd.DataFrame, list[tuple[np.datetime64, State]]]:
    """Rows of scores of every method at every date, and the analyses of the last method.

    Products are "grid", and "stations": those withheld.
    """
    layout, operator = sources.run.layout, sources.stations.operator
    fields = default_fields(layout)
    rows: list[tuple[object, ...]] = []
    kept: list[tuple[np.datetime64, State]] = []
    for case in downscaling_cases(sources):
        expected = operator(case.truth)
        for name, analysis in _analyses(sources, experiments, case):
            at, centred = operator(analysis), name != REFERENCE and experiments[name].centred
            scores = {
                "grid": score_cycle(analysis, case.truth, fields, centred=centred),
                "stations": score_stations(
                    at, expected, case.stations, layout, fields, centred=centred
                ),
            }
            rows += [
                (case.time, name, product, *field, value)
                for product, found in scores.items()
                for field, value in found.items()
            ]
        kept.append((case.time, analysis))
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)), kept


def _analyses(
    sources: TwoSources, experiments: Mapping[str, Experiment], case: DownscalingCase
) -> Iterator[tuple[str, State]]:
    """The map interpolated, and what every method makes of a case."""
    plain = sources.maps.interpolated(case.reported)
    yield REFERENCE, State(plain.values[None], plain.layout)
    for name, experiment in experiments.items():
        seen = case.seen(experiment.sources)
        analysis, _ = experiment.method(case.background, seen, float(_mark(sources.run)), case.key)
        yield name, analysis


def _mark(run: Run) -> int:
    """The lead time that marks coarse backgrounds."""
    return run.config.backgrounds.lead_hours[0]


def _hidden(batch: ObservationBatch) -> ObservationBatch:
    """The batch with nothing that is assimilated."""
    return replace(batch, flag=jnp.where(batch.used, int(Flag.PASSIVE), batch.flag))
