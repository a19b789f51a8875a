"""Rows 12 and 31: nothing is taken from the working directory or the environment of a user."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Figure = Callable[[str], None]
CANARY = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
MODULES = ("multiprocessing", "numpy", "sitecustomize", "cloudpickle", "align_da", "tornado")
# Started as the script of an installed command is: with its own folder in front of the path.
WORKERS = """
from align_da.environment import settle_environment
from align_da.parallel.cluster import run_tasks
from align_da.parallel.progress import progress_bar

if __name__ == "__main__":
    settle_environment()
    with progress_bar(shown=False) as progress:
        print(run_tasks(abs, [-1, -2], 2, progress, "numbers"))
"""
FIGURE = """
import hashlib, sys
from align_da.environment import settle_environment
settle_environment()
from align_da.verification.figure_style import common_style, new_figure, to_png
from align_da.training.history import draw_history
with common_style():
    figure, axes = new_figure(3, 2)
    axes[0].plot([1, 2])
print(hashlib.sha256(to_png(figure)).hexdigest())
draw_history(__import__("pathlib").Path(sys.argv[1]), [{"step": 1.0, "training_loss": 2.0}], "a")
"""
ARITHMETIC = """
import json
from align_da.environment import settle_environment
settle_environment()
import jax
import numpy as np
from align_da.keys import Purpose, key_for
from align_da.storage.arithmetic import arithmetic_of_this_process
drawn = jax.random.normal(key_for(1, Purpose.ANALYSIS), (64, 64))
told = [np.asarray(drawn @ jax.nn.softmax(drawn)).tobytes().hex(), str(drawn.dtype)]
print(json.dumps([told, arithmetic_of_this_process()]))
"""
HOSTILE = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_DISABLE_JIT": "1",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "OPENBLAS_NUM_THREADS": "2",
    "OPENBLAS_CORETYPE": "Prescott",
}


def run(
    code: str,
    script: Path,
    here: Path,
    *arguments: object,
    environment: dict[str, str] | None = None,
) -> str:
    """What a script prints that is started in a folder where somebody else has left files."""
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        cwd=here,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.row(31)
def test_workers_run_no_file_of_the_working_directory(tmp_path: Path, figure: Figure) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "script").mkdir()
    for name in MODULES:
        (here / f"{name}.py").write_text(CANARY)
    found = run(WORKERS, tmp_path / "script" / "run.py", here)
    assert found.split("\n")[0] == "[1, 2]"
    assert [path.name for path in here.glob("*.ran")] == []
    figure(f"{len(MODULES)} modules of the working directory, none imported by two workers")


@pytest.mark.row(12)
def test_no_figure_looks_as_the_working_directory_says(tmp_path: Path) -> None:
    pictures = []
    for settings in ("", "lines.linewidth: 9\naxes.facecolor: red\nbackend: module://nowhere"):
        here = tmp_path / f"here {bool(settings)}"
        here.mkdir()
        if settings:
            (here / "matplotlibrc").write_text(settings)
        history = here / "history.png"
        told = run(FIGURE, tmp_path / "draw.py", here, history)
        pictures.append((told, history.read_bytes()))
    assert pictures[0] == pictures[1]


@pytest.mark.row(12)
def test_no_variable_of_the_environment_changes_what_is_computed(
    tmp_path: Path, figure: Figure
) -> None:
    script = tmp_path / "compute.py"
    plain, other = (
        json.loads(run(ARITHMETIC, script, tmp_path, environment=environment))
        for environment in ({}, HOSTILE)
    )
    assert plain == other
    figure(f"{len(HOSTILE)} variables that would change bits: equal bits")
