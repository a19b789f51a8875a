"""Processor seconds of a process until its first forecast by the embedded model.

A process imports the model, sets it up, makes a state and forecasts six hours of one member: first
where no compiled program is kept, then where all are. Seconds are those of all its threads.

Usage: python -m experiments.costs.start_up
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
import pandas as pd

from align_da.storage.compiled_programs import use_compilation_cache
from align_da.verification.table_format import to_markdown
from experiments.options import options
from experiments.results import write_result

GRID = 21
TIME = np.datetime64("1959-01-02T00:00")
MODELS = {"T21": 21, "T31, the truth": 31}
ASKED, FOUND = (
    f"/jax/compilation_cache/{name}" for name in ("compile_requests_use_cache", "cache_hits")
)


def main() -> None:
    """Start every process twice, write the result and print it; or be such a process."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--truncation", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.truncation:
        sys.stdout.write(json.dumps(first_forecast(arguments.truncation)))
        return
    rows = []
    for name, truncation in MODELS.items():
        with TemporaryDirectory() as cache:
            for kept in ("none", "all"):
                row = measured_process(truncation, cache)
                rows.append({"model": name, "programs kept": kept, **row})
    table = pd.DataFrame(rows)
    write_result(arguments.folder, "start_up", table)
    print(to_markdown(table))


def measured_process(truncation: int, cache: str) -> dict[str, Any]:
    """What a process of its own tells of its start."""
    command = [sys.executable, "-m", "experiments.costs.start_up", "--truncation", str(truncation)]
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def first_forecast(truncation: int) -> dict[str, float]:
    """Seconds from the start of this process, and how often it compiled or found a program."""
    counts = dict.fromkeys((ASKED, FOUND), 0)

    def count(event: str, **_: object) -> None:
        if event in counts:
            counts[event] += 1

    jax.monitoring.register_event_listener(count)
    use_compilation_cache()
    # Only here, so that the process that starts the others needs no model.
    from align_da.forecast.jcm import JcmForecastModel  # noqa: PLC0415
    from data_pipelines.era5_start import era5_state  # noqa: PLC0415

    imported = seconds()
    model = JcmForecastModel(truncation, GRID)
    built = seconds()
    np.asarray(model.forecast(era5_state(model), TIME, model.step_hours).values)
    return {
        "imports, s": imported,
        "set-up, s": built - imported,
        "first forecast, s": seconds() - built,
        "together, s": seconds(),
        "programs": counts[ASKED],
        "found": counts[FOUND],
    }


def seconds() -> float:
    """Processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
