"""The commands of each part of the chain; `run.py` runs them one after another."""

CYCLES = "--set cycle.cycles=120"
LONG = f"{CYCLES} --set cycle.members=20"
HYBRID = f"{LONG} --set cycle.ensemble_share=0.8"
FEW_STEPS = "--set sampler.steps=6 --set sampler.sigma_max=10 --set guidance.iterations=12"
CORRECTED = "--set cycle.model_error_share=0.3"
LARGE = f"{CYCLES} --set cycle.members=40"
LETKF_20 = f"cycle --name letkf_20 --set cycle.method=letkf {LONG}"
LETKF_40 = (
    f"cycle --name letkf_40 --set cycle.method=letkf {LARGE}"
    " --set letkf.radius_km=2000 --set letkf.inflation=1.6"
)
CHECKED = "--set cycle.physical_bounds=clip --set cycle.replacement.share=0.5"
STATIC = "--set three_d_var.tolerance=0.1"
HYBRID_GAIN = (
    "--set cycle.method=hybrid_gain --set hybrid_gain.share=0.8 --set cycle.members=20"
    f" {STATIC} {CHECKED}"
)
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
        f"data rounds 8 {HYBRID_GAIN}",
        f"cycle --name hybrid_learned_20 {HYBRID_GAIN} {CYCLES} --set cycle.correction_share=1",
        f"cycle --name hybrid_gain_20 {HYBRID_GAIN} {CYCLES}",
        LETKF_20,
        LETKF_40,
        (
            "verify --name letkf_20 --name letkf_40 --name hybrid_gain_20"
            " --name hybrid_learned_20 --set verification.forecast_every=12"
        ),
    ),
}
