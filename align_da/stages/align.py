"""One step of the alignment of a prior, in one process or in several that do it together."""

from pathlib import Path
from typing import Literal

from align_da.config import Config
from align_da.parallel.distributed import joined_processes
from align_da.parallel.distributed_processes import Processes
from align_da.stages.compare_leads import compare_leads
from align_da.stages.compare_priors import compare_priors
from align_da.stages.fine_tune import What, fine_tune
from align_da.stages.score_candidates import score_candidates


def align(
    config: Config,
    run: Path,
    what: Literal["leads", "candidates", "compare"] | What,
    group: Processes,
) -> None:
    """Compare leads, score candidates or compare priors, in one process; or fine-tune.

    Args:
        config: of the run.
        run: its folder.
        what: the step.
        group: the processes.

    Raises:
        ConfigError: the processes cannot be joined.
        StorageError: what the step needs is missing or damaged.
    """
    if what == "leads":
        compare_leads(config, run)
    elif what == "candidates":
        score_candidates(config, run)
    elif what == "compare":
        compare_priors(config, run)
    else:
        with joined_processes(group, what, config) as mesh:
            fine_tune(config, run, what, mesh)
