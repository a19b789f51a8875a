"""The whole chain, from nothing to the report, and the score tables of what it made.

A stage that is done is not done again.

Usage: python experiments/embedded_world/run.py [chain|scores|peers] [RUN_FOLDER]
"""

import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).with_name("config.toml")
LONG = "--set cycle.cycles=120 --set cycle.members=20"
HYBRID = f"{LONG} --set cycle.ensemble_share=0.8"
FEW_STEPS = "--set sampler.steps=6 --set sampler.sigma_max=10 --set guidance.iterations=12"
CORRECTED = "--set cycle.model_error_share=0.3"
LARGE = "--set cycle.cycles=120 --set cycle.members=40"
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
    "peers": (
        f"cycle --name letkf_20 --set cycle.method=letkf {LONG}",
        (
            f"cycle --name letkf_40 --set cycle.method=letkf {LARGE}"
            " --set letkf.radius_km=2000 --set letkf.inflation=1.6"
        ),
        f"cycle --name latent_three_d_var_20 --set cycle.method=latent_three_d_var {HYBRID}",
        f"cycle --name align_da_20 --set cycle.perturbations=letkf {HYBRID} {FEW_STEPS}",
        "train model_error",
        f"cycle --name letkf_20_corrected --set cycle.method=letkf {LONG} {CORRECTED}",
        (
            "cycle --name align_da_20_corrected --set cycle.perturbations=letkf"
            f" {HYBRID} {FEW_STEPS} {CORRECTED}"
        ),
        (
            "verify --name letkf_20 --name letkf_40 --name latent_three_d_var_20"
            " --name align_da_20 --name letkf_20_corrected --name align_da_20_corrected"
            " --set verification.forecast_every=12"
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
