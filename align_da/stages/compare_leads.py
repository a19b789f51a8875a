"""Measure how well the forecast reward would separate candidates at each lead."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from align_da.alignment.candidates import CandidateScore
from align_da.alignment.contract import AlignmentCase
from align_da.alignment.rewards.win_rate import channel_rmse, relative_to_group
from align_da.alignment.separation import separation_by_lead
from align_da.atmosphere import State
from align_da.config import Config
from align_da.runs.alignment_cases import cases_of
from align_da.runs.forecast_models import configured_forecast_model
from align_da.runs.priors import load_prior
from align_da.runs.run import Run, open_run
from align_da.runs.samplers import build_sampler
from align_da.stages.score_candidates import prior_draw
from align_da.stages.scoring_on_cluster import score_on_cluster
from align_da.storage.compiled_programs import use_compilation_cache
from align_da.storage.gridded import read_times
from align_da.storage.lock import lock_beside, owned
from align_da.storage.tables import write_table

LEAD_HOURS = (24, 48, 72, 120)


@dataclass(frozen=True)
class LeadScore:
    """Builds the score of a group of candidates, once in each worker.

    Attributes:
        config: the configuration.
        folder: the folder of the run.
    """

    config: Config
    folder: Path

    def __call__(self) -> CandidateScore:
        """The score that tells relative forecast errors [lead, candidate, channel]."""
        use_compilation_cache()
        run, model = open_run(self.config, self.folder), configured_forecast_model(self.config)

        def error_at(candidates: State, case: AlignmentCase, lead: int) -> np.ndarray:
            at_lead = case.valid_time + np.timedelta64(lead, "h")
            truth = read_times(run.truth, run.layout, np.asarray([at_lead]))
            before = case.frames_before(len(candidates.values))
            forecast = model.forecast(candidates, case.valid_time, lead, before)
            errors = channel_rmse(forecast, State(truth.values[0], run.layout))
            return np.asarray(relative_to_group(errors))

        def score(candidates: State, case: AlignmentCase) -> xr.Dataset:
            errors = np.stack([error_at(candidates, case, lead) for lead in LEAD_HOURS])
            return xr.Dataset({"error": (("lead", "candidate", "channel"), errors)})

        return score


def compare_leads(config: Config, folder: Path) -> None:
    """Write report/forecast_leads.csv: signal, noise and stability of ranks by lead.

    Raises:
        StorageError: the reference prior or the backgrounds are missing or damaged, or another
            process writes the table.
    """
    run = open_run(config, folder)
    target = run.folder.report / "forecast_leads.csv"
    with owned(lock_beside(target)):
        _compare(run, target)


def _compare(run: Run, target: Path) -> None:
    """Write the table."""
    config, settings = run.config, run.config.alignment
    cases = cases_of(
        run, "train", settings.backgrounds, max(LEAD_HOURS), config.learned_lead_hours
    )
    scored = score_on_cluster(
        config,
        cases,
        prior_draw(
            build_sampler(run.config.sampler), load_prior(run, "reference"), settings.candidates
        ),
        LeadScore(config, run.folder.root),
        description="forecast leads",
        total=settings.backgrounds,
    )
    errors = scored["error"].transpose("lead", "case", "candidate", "channel").to_numpy()
    table = pd.DataFrame(vars(separation_by_lead(LEAD_HOURS, errors)))
    write_table(target, table)
