"""What was found out about one cycling run, for the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from align_da.storage.run_cost import RunCost


@dataclass(frozen=True)
class RunScores:
    """What was found out about one cycling run.

    Attributes:
        name: of the run.
        rows: scores at every valid time, see `verification.score_table`.
        by_level: likewise, of every level.
        places: errors by region, latitude and distance, see `verification.error_places`.
        spectra: mean spectra of the analyses.
        departures: statistics of innovations and residuals.
        background: ensembles of every cycle.
        analysis: likewise.
        observations: of every cycle.
        settings: the configuration that the cycles were made with, as tables.
        window_hours: from one cycle to the next.
        centred: whether the mean of the members has no sampling error.
        cost: of a cycle; none where nothing was recorded.
    """

    name: str
    rows: pd.DataFrame
    by_level: pd.DataFrame
    places: pd.DataFrame
    spectra: pd.DataFrame
    departures: pd.DataFrame
    background: xr.Dataset
    analysis: xr.Dataset
    observations: xr.Dataset
    settings: Mapping[str, Any]
    window_hours: int
    centred: bool
    cost: RunCost | None = None

    @property
    def cycles(self) -> dict[str, xr.Dataset]:
        """Both products of the cycles by name."""
        return {"background": self.background, "analysis": self.analysis}
