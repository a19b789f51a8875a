"""The whole chain, from nothing to the report, and the score tables of what it made.

A stage that is done is not done again.

Usage: python experiments/embedded_world/run.py [chain|scores] [RUN_FOLDER]
"""

import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).with_name("config.toml")
STAGES = {
    "chain": (
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
        "cycle --name free_run --set cycle.method=free_run",
        "cycle --name latent_three_d_var --set cycle.method=latent_three_d_var",
        "cycle --name align_da",
        "verify --name free_run --name latent_three_d_var --name align_da",
    ),
    "scores": (
        "train covariance",
        "benchmark --name density_5",
        "benchmark --name density_2 --set observations.density=0.02",
        "cycle --name optimal_interpolation --set cycle.method=optimal_interpolation",
        "cycle --name prior_alone --set guidance.method=none",
        "cycle --name dps --set guidance.method=dps",
        "cycle --name repaint --set guidance.method=repaint",
        (
            "verify --name free_run --name latent_three_d_var --name align_da"
            " --name optimal_interpolation --name prior_alone --name dps --name repaint"
        ),
    ),
}


def main() -> None:
    """Run every stage in a process of its own, and stop at the first that fails."""
    part = sys.argv[1] if len(sys.argv) > 1 else "chain"
    folder = sys.argv[2] if len(sys.argv) > 2 else "runs/embedded_world"
    command = Path(sys.executable).with_name("align-da")
    for stage in STAGES[part]:
        print(f"=== align-da {stage}", flush=True)
        arguments = [*stage.split(), "--run", folder, "--config", str(CONFIG)]
        code = subprocess.run([command, *arguments], check=False).returncode
        if code:
            sys.exit(code)


if __name__ == "__main__":
    main()
