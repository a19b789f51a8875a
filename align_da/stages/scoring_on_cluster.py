"""Cases drawn here and scored on the cluster of the configuration, with a progress bar."""

from collections.abc import Callable, Iterable

import xarray as xr

from align_da.alignment.candidates import CandidateScore, Draw, score_cases
from align_da.alignment.contract import AlignmentCase
from align_da.config import Config
from align_da.parallel.cluster import client_of
from align_da.parallel.progress import progress_bar


def score_on_cluster(
    config: Config,
    cases: Iterable[AlignmentCase],
    draw: Draw,
    build_score: Callable[[], CandidateScore],
    *,
    description: str,
    total: int,
) -> xr.Dataset:
    """The scores of every case; see `align_da.alignment.candidates.score_cases`.

    Args:
        config: the seed, and the scheduler in the section [alignment].
        cases: read one at a time.
        draw: the prior.
        build_score: makes the score function, once in each worker.
        description: of the progress bar.
        total: number of cases.
    """
    with progress_bar() as progress, client_of(config.alignment.scheduler) as client:
        task = progress.add_task(description, total=total)
        return score_cases(
            cases,
            draw,
            build_score,
            seed=config.seed,
            executor=client.get_executor(pure=False),
            on_case=lambda _: progress.advance(task),
        )
