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
    analyses = np.stack([np.asarray(c.analysis.values) for c in cycles])
    return {
        "mean": analyses.mean(axis=1)[:, 0, :, 0],
        "spread": analyses.std(axis=1, ddof=1)[:, 0, :, 0],
        "equivalent": np.stack([np.asarray(c.report.background_equivalent) for c in cycles]),
        "chi_square": np.stack([np.asarray(c.report.chi_square) for c in cycles]),
        "value": np.stack([np.asarray(c.observations.value) for c in cycles]),
        "flag": np.stack([np.asarray(c.observations.flag) for c in cycles]),
        "used": np.stack([np.asarray(c.used) for c in cycles]),
    }


if __name__ == "__main__":
    np.savez(GOLDEN, **golden_cycle())
