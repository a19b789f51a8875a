"""A key that there is not is answered with those that it may mean."""

import pytest
from pydantic import Field

from align_da.config import Config, LetkfConfig, Section, load_config, section_from_table
from align_da.config.nearest import meant_by
from align_da.errors import ConfigError

# Written down before there was anything to try them on.
MEANT = {
    "letkf.localization": "letkf.radius_km",
    "letkf.localisation_scale": "letkf.radius_km",
    "letkf.cutoff_km": "letkf.radius_km",
    "letkf.rtps": "letkf.relaxation",
    "cycle.rtps": "letkf.relaxation",
    "cycle.ensemble_size": "cycle.members",
    "cycle.nudging": "cycle.method",
    "cycle.assimilation_window": "cycle.window_hours",
    "cycle.fgat": "cycle.trajectory_hours",
    "cycle.hybrid_weight": "cycle.ensemble_share",
    "cycle.adaptive_inflation": "letkf.calibrated",
    "cycle.obs_error": "observations.wind_error",
    "observations.obs_error": "observations.wind_error",
    "observations.coverage": "observations.density",
    "observations.holdout": "observations.withheld",
    "reports.superobbing": "reports.thinning",
    "quality_control.gross_error": "quality_control.background_threshold",
    "world.resolution": "world.grid_truncation",
    "world.dt": "world.step_hours",
    "era5.path": "era5.source",
    "onnx.gpu": "onnx.provider",
    "random_seed": "seed",
    "autoencoder.downsampling": "autoencoder.stride",
    "autoencoder.training.minibatch": "autoencoder.training.batch_size",
    "denoiser.channels": "denoiser.width",
    "denoiser.training.lr": "denoiser.training.learning_rate",
    "denoiser.training.epochs": "denoiser.training.steps",
    "denoiser.training.gradient_norm": "denoiser.training.gradient_clip",
    "training.lr": "denoiser.training.learning_rate",
    "sampler.timesteps": "sampler.steps",
    "sampler.stochasticity": "sampler.churn",
    "guidance.scale": "guidance.strength",
    "guidance.weight": "guidance.strength",
    "alignment.sft_weight": "alignment.anchor_weight",
    "latent_three_d_var.max_iterations": "latent_three_d_var.inner",
    "three_d_var.length_scale": "three_d_var.radius_km",
    "hybrid_gain.alpha": "hybrid_gain.share",
    "correction.iterations": "correction.rounds",
    "verification.confidence": "verification.bootstrap_samples",
}


def told(override: str) -> str:
    with pytest.raises(ConfigError) as found:
        load_config(None, [override])
    return str(found.value)


@pytest.mark.parametrize("mistake", MEANT)
def test_what_is_called_otherwise_elsewhere_is_answered_by_its_meaning(mistake: str) -> None:
    message = told(f"{mistake}=1")
    assert f"unknown key {mistake!r}: did you mean " in message
    assert repr(MEANT[mistake]) in message
    assert "\n" not in message


def test_the_alternatives_are_told_with_what_they_mean() -> None:
    assert told("letkf.localization=1").endswith(
        "did you mean 'letkf.radius_km' (Half width of the horizontal localisation (Gaspari-Cohn, "
        "of R), km) or 'letkf.depth' (Half width of the vertical localisation, in the logarithm "
        "of the level)?"
    )


def test_alternatives_that_say_the_same_are_told_together() -> None:
    assert told("training.lr=1").endswith(
        "'autoencoder.training.learning_rate', 'denoiser.training.learning_rate', "
        "'alignment.training.learning_rate', 'model_error.training.learning_rate', "
        "'correction.training.learning_rate' (Learning rate after the warm-up, its peak)?"
    )


@pytest.mark.parametrize("typo", ["letkf.relaxatoin", "letkf.inflaton", "letkf.radius"])
def test_a_misspelling_is_answered_with_the_one_key_that_it_is_of(typo: str) -> None:
    nearest = {"letkf.relaxatoin": "relaxation", "letkf.inflaton": "inflation"}
    name = nearest.get(typo, "radius_km")
    assert told(f"{typo}=1") == f"unknown key {typo!r}: did you mean 'letkf.{name}'?"


@pytest.mark.parametrize("name", ["letkf.banana", "letkf.x", "letkf._", "letkf.1", "letkf.''"])
def test_what_is_like_nothing_is_answered_with_what_there_is(name: str) -> None:
    message = told(f"{name}=1")
    assert message.endswith(f"expected one of {', '.join(LetkfConfig.model_fields)}")


def test_a_section_of_a_package_is_searched_by_itself_and_named_with_its_place() -> None:
    class Nudging(Section):
        """How observations pull."""

        gain: float = Field(default=0.5, description="Share of an innovation, the nudging factor.")

    with pytest.raises(ConfigError, match=r"'parts\.pull\.nudging': did you mean 'parts\.pull\.g"):
        section_from_table(Nudging, {"nudging": 1.0}, ("parts", "pull"))


def test_keys_of_the_section_that_was_asked_for_go_before_others() -> None:
    found = [str(key) for key in meant_by(Config, ("three_d_var", "localization"))]
    assert found[0] == "three_d_var.radius_km"
    assert meant_by(Config, ("cycle", "banana")) == []
