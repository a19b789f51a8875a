"""The whole chain, from nothing to the report; a stage that is done is not done again.

Usage: python experiments/embedded_world/run.py [RUN_FOLDER]
"""

import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).with_name("config.toml")
STAGES = (
    "data truth",
    "data backgrounds",
    "data statistics",
    "train autoencoder",
    "data cycled",
    "train denoiser",
    "align candidates",
    "align aligned",
    "align continued",
    "align supervised",
    "align compare",
    "benchmark --name density_5",
    "benchmark --name density_2 --set observations.density=0.02",
    "cycle --name free_run --set cycle.method=free_run",
    "cycle --name optimal_interpolation --set cycle.method=optimal_interpolation",
    "cycle --name align_da",
    "verify --name free_run --name optimal_interpolation --name align_da",
)


def main() -> None:
    """Run every stage in a process of its own, and stop at the first that fails."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "runs/embedded_world"
    command = Path(sys.executable).with_name("align-da")
    for stage in STAGES:
        print(f"=== align-da {stage}", flush=True)
        arguments = [*stage.split(), "--run", folder, "--config", str(CONFIG)]
        code = subprocess.run([command, *arguments], check=False).returncode
        if code:
            sys.exit(code)


if __name__ == "__main__":
    main()
