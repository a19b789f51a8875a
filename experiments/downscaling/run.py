"""Downscaling from nothing to the tables and the picture; a stage that is done is not done again.

Usage: python -m experiments.downscaling.run [RUN_FOLDER]
"""

import subprocess
import sys
from pathlib import Path

from experiments.downscaling.picture import draw
from experiments.downscaling.tables import print_tables

CONFIG = Path(__file__).with_name("config.toml")
PICTURE = Path(__file__).with_name("downscaling.png")
NAME, STATIC = "test", "static"
DRAWS_OF_THE_STATIC_PRIOR = (
    "--set downscaling.priors=['static'] --set downscaling.sources=['both'] "
    "--set downscaling.peers=[]"
)
STAGES = (
    "data truth",
    "data coarse",
    "data statistics",
    "train autoencoder",
    "train denoiser",
    f"downscale --name {NAME}",
    f"downscale --name {STATIC} {DRAWS_OF_THE_STATIC_PRIOR}",
)


def main() -> None:
    """Run every stage in a process of its own, and stop at the first that fails."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/downscaling")
    command = Path(sys.executable).with_name("align-da")
    for stage in STAGES:
        print(f"=== align-da {stage}", flush=True)
        arguments = [*stage.split(), "--run", str(folder), "--config", str(CONFIG)]
        code = subprocess.run([command, *arguments], check=False).returncode
        if code:
            sys.exit(code)
    print_tables(folder, [NAME, STATIC], CONFIG)
    draw(folder, NAME, CONFIG, PICTURE)


if __name__ == "__main__":
    main()
