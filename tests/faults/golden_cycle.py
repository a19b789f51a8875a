"""Four cycles that must stay what they are.

`python tests/faults/golden_cycle.py` makes golden_cycle.npz anew; say in the changelog why.
"""

from pathlib import Path

import numpy as np
from filter_run import cycled, filter_experiment

GOLDEN = Path(__file__).with_suffix(".npz")


def golden_cycle() -> dict[str, np.ndarray]:
    """What each of four cycles of the filter gives: states, equivalents, flags and counts."""
    cycles = cycled(filter_experiment(4))
    analyses = np.stack([np.asarray(state.analysis.values) for state, _ in cycles])
    reports = [report for _, report in cycles]
    return {
        "mean": analyses.mean(axis=1)[:, 0, :, 0],
        "spread": analyses.std(axis=1, ddof=1)[:, 0, :, 0],
        "equivalent": np.stack([np.asarray(r.analysis.background_equivalent) for r in reports]),
        "chi_square": np.stack([np.asarray(r.analysis.chi_square) for r in reports]),
        "value": np.stack([np.asarray(r.observations.value) for r in reports]),
        "flag": np.stack([np.asarray(r.observations.flag) for r in reports]),
        "used": np.stack([np.asarray(r.used) for r in reports]),
    }


if __name__ == "__main__":
    np.savez(GOLDEN, **golden_cycle())
