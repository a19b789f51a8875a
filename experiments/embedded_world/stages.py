"""The commands of each part of the chain; `run.py` runs them one after another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MONTH = "--set cycle.cycles=120"
LONG = f"{MONTH} --set cycle.members=20"
HYBRID = f"{LONG} --set cycle.ensemble_share=0.8"
FEW_STEPS = "--set sampler.steps=6 --set sampler.sigma_max=10 --set guidance.iterations=12"
CORRECTED = "--set cycle.model_error_share=0.3"
FILTER_40 = (
    "--set cycle.method=letkf --set cycle.members=40 --set letkf.radius_km=2000"
    " --set letkf.inflation=1.6"
)
LETKF_20 = f"cycle --name letkf_20 --set cycle.method=letkf {LONG}"
LETKF_40 = f"cycle --name letkf_40 {MONTH} {FILTER_40}"
ROUNDS = 8
CLOSED_LOOP = {
    "letkf_40": FILTER_40,
    "hybrid_gain_20": "",
    "learned_half_20": "--set cycle.correction_share=0.5",
    "learned_20": "--set cycle.correction_share=1",
}
"""Methods of thirty days, and how each differs from the configuration."""
SEEDS = (1,)
"""Beside that of the configuration."""
CORRECTED_BY_SHIPPED = f"{CORRECTED} --set model_error.taken_from=shipped"
SHIPPED = {
    "letkf_40": FILTER_40,
    "hybrid_gain_20": "",
    "hybrid_corrected_20": CORRECTED_BY_SHIPPED,
    "learned_20": (
        f"{CORRECTED_BY_SHIPPED} --set correction.starts_from=shipped --set correction.round=-1"
        " --set cycle.correction_share=0.5"
    ),
}
"""Methods of thirty days with what is shipped; shares were chosen on validation."""
SEEDS_OF_SHIPPED = (2, 3)
"""Neither is one that anything shipped has been scored with before."""
ON_NETWORKS = {name: SHIPPED[name] for name in ("letkf_40", "hybrid_gain_20", "learned_20")}
NEAR_STATIONS = {
    "learned_near_20": f"{SHIPPED['learned_20']} --set cycle.correction_reach_km=1000"
}
"""The correction of analyses near stations alone; the reach was chosen on validation."""
_WORLD = ("data truth", "data backgrounds", "data statistics", "train covariance")


@dataclass(frozen=True)
class Applied:
    """What is shipped, in a world of which nothing has been learned.

    Attributes:
        methods: by name, how each differs from the configuration.
        seed: of stations, observation errors and first members.
        settings: of the observations.
        length: of the cycles: what the test period has room for.
        configuration: the world.
    """

    methods: Mapping[str, str]
    seed: int
    settings: str = ""
    length: str = "--set cycle.cycles=119"
    configuration: str = "networks"

    def commands(self) -> tuple[str, ...]:
        """All of them, one after another."""
        cycles = _of_seeds(self.methods, (self.seed,), self.length)
        return (*_WORLD, *_month(cycles, "forecast_lead_hours=[]", self.settings))


APPLIED = {
    "shipped_radiosonde": Applied(
        {**ON_NETWORKS, **NEAR_STATIONS}, 4, "--set observations.network=radiosonde"
    ),
    "shipped_density_2": Applied(ON_NETWORKS, 6, "--set observations.density=0.02"),
    "shipped_density_10": Applied(ON_NETWORKS, 8, "--set observations.density=0.1"),
    "shipped_outage": Applied(
        ON_NETWORKS,
        10,
        "--set cycle.outage.share=0.33 --set cycle.outage.first=40 --set cycle.outage.cycles=40",
    ),
    "shipped_quarter": Applied(
        ON_NETWORKS, 12, length="--set cycle.cycles=372", configuration="quarter"
    ),
}
"""Nothing was chosen with any of them; that a reach is needed was seen with the radiosondes.

These are 102 of 420. In the outage a third of the stations is silent for ten days."""


def _of_seeds(
    methods: Mapping[str, str], seeds: Iterable[int], length: str = MONTH
) -> dict[str, str]:
    """Every method with every seed, by the name of its cycles."""
    return {
        f"{name}_seed_{seed}": f"{length} {settings} --set seed={seed}"
        for seed in seeds
        for name, settings in methods.items()
    }


def _month(cycles: Mapping[str, str], verification: str, network: str = "") -> tuple[str, ...]:
    """Thirty days of every method by its name, and what verifies them together."""
    names = " ".join(f"--name {name}" for name in cycles)
    return (
        *(f"cycle --name {name} {settings} {network}" for name, settings in cycles.items()),
        f"verify {names} --set verification.{verification} {network}",
    )


CONFIGURED = {
    **dict.fromkeys(("closed_loop", "shipped"), "closed_loop"),
    **{part: applied.configuration for part, applied in APPLIED.items()},
}
"""Parts with another configuration, and run, than the others."""
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
        *_WORLD,
        f"data rounds {ROUNDS}",
        *_month(
            {name: f"{MONTH} {settings}" for name, settings in CLOSED_LOOP.items()}
            | _of_seeds(CLOSED_LOOP, SEEDS),
            "forecast_every=24",
        ),
    ),
    "shipped": (
        *_WORLD,
        *_month(_of_seeds(SHIPPED, SEEDS_OF_SHIPPED), "forecast_lead_hours=[]"),
    ),
    **{part: applied.commands() for part, applied in APPLIED.items()},
}
