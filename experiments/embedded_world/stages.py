"""The commands of each part of the chain; `run.py` runs them one after another."""

LONG = "--set cycle.cycles=120 --set cycle.members=20"
HYBRID = f"{LONG} --set cycle.ensemble_share=0.8"
FEW_STEPS = "--set sampler.steps=6 --set sampler.sigma_max=10 --set guidance.iterations=12"
CORRECTED = "--set cycle.model_error_share=0.3"
LARGE = "--set cycle.cycles=120 --set cycle.members=40"
LETKF_20 = f"cycle --name letkf_20 --set cycle.method=letkf {LONG}"
LETKF_40 = (
    f"cycle --name letkf_40 --set cycle.method=letkf {LARGE}"
    " --set letkf.radius_km=2000 --set letkf.inflation=1.6"
)
CHECKED = "--set cycle.physical_bounds=clip --set cycle.replacement.share=0.5"
STATIC = "--set three_d_var.tolerance=0.1"
BASE = (
    f"--set cycle.method=letkf --set cycle.members=20 {STATIC} {CHECKED}"
    " --set correction.network_rounds=1"
)
ROUNDS = range(11)
ALONE = "--set correction.averaged=1"
MEAN = "--set correction.averaged=6"
FEW = "--set correction.training.steps=40 --set correction.training.learning_rate=5.0e-4"
LATE = (
    "--set correction.rounds_kept=8 --set correction.training.steps=120"
    " --set correction.training.learning_rate=4.0e-4"
)
OF_ROUND = {0: f"{ALONE} {FEW}", 7: f"{ALONE} {LATE}", 8: f"{ALONE} {LATE}"} | dict.fromkeys(
    ROUNDS[9:], f"{MEAN} {LATE}"
)
"""Of the cycles of one round a network soon knows too much. Networks of single rounds had begun to
swing about the seventh; from the ninth on their mean acts in the cycles that they learn from."""
LEARNED = {
    "off_policy_damped_20": f"{ALONE} --set correction.round=0 --set cycle.correction_share=0.3",
    "corrected_half_20": f"{MEAN} --set correction.round=8 --set cycle.correction_share=0.5",
    "corrected_20": f"{MEAN} --set correction.round=8 --set cycle.correction_share=1",
    "eleven_rounds_20": f"{MEAN} --set correction.round=10 --set cycle.correction_share=1",
}
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
        LETKF_20,
        LETKF_40,
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
    "closed_loop": (
        "train covariance",
        *(
            f"{command} {BASE} {OF_ROUND.get(number, ALONE)} --set correction.round={number}"
            for number in ROUNDS
            for command in ("data closed_loop", "train correction")
        ),
        *(
            f"cycle --name {name} {BASE} --set cycle.cycles=120 {learned}"
            for name, learned in LEARNED.items()
        ),
        (
            f"cycle --name hybrid_gain_20 {LONG} --set cycle.method=hybrid_gain {STATIC} {CHECKED}"
            " --set hybrid_gain.share=0.8"
        ),
        LETKF_20,
        LETKF_40,
        (
            "verify --name letkf_20 --name letkf_40 --name hybrid_gain_20"
            " --name off_policy_damped_20 --name corrected_half_20 --name corrected_20"
            " --name eleven_rounds_20 --set verification.forecast_every=24"
        ),
    ),
}
