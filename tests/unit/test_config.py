"""The configuration refuses what it does not know and says what to do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from align_da.config import (
    Config,
    GuidanceConfig,
    ReportsConfig,
    SamplerConfig,
    config_from_table,
    load_config,
)
from align_da.digests import digest_of
from align_da.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "")) == Config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[denoiser]\nwidht = 3", "did you mean 'denoiser.width'"),
        ("[denoisr]\nwidth = 3", "did you mean 'denoiser'"),
        ("[denoiser.training]\nstps = 3", "did you mean 'denoiser.training.steps'"),
        ("[observations]\ndensity = 3", "observations.density"),
        ("[observations]\ndensity = 0", "observations.density"),
        ("[denoiser.training]\nsteps = 60", "expected warm_up_steps < steps, got 100 and 60"),
        ("[denoiser]\nwidth = 'wide'", "denoiser.width"),
        ("[guidance]\nmethod = 'magic'", "guidance.method"),
        (
            "[letkf]\nradius_km = 'far'",
            "letkf.radius_km: Input should be a valid number, or Input should be 'global', got",
        ),
        ("seed = -1", "seed"),
        ("[cycle]\ntrajectory_hours = 2", "does not divide half of the window of 6 hours"),
        (
            "[cycle]\ntrajectory_hours = 1\nmodel_error_share = 0.5",
            "cycle.model_error_share corrects forecasts of a whole window",
        ),
        ("[observations]\nevery_hours = 4", "leaves one time in the window of 6 hours"),
        ("[world]\nstep_hours = 4", "world.step_hours"),
        (
            "world = {step_hours = 1, model = 'onnx'}\n[onnx]\npath = 'a'\nkind = 'frame'",
            "world.step_hours = 1 is of the embedded models",
        ),
        ("[sampler]\nsigma_max = nan", "sampler.sigma_max"),
        ("[sampler]\nsteps = 2.5", "sampler.steps"),
        ("[sampler]\n_target_ = 'os.system'", "unknown key 'sampler._target_'"),
        (
            "[alignment]\nrewards = 'peaks'",
            "alignment.rewards: a list is wanted: [\"peaks\"], got 'peaks'",
        ),
        ("[verification]\nforecast_lead_hours = 6", "a list is wanted: [6], got 6"),
        ("[sampler\nsteps = 2", "not valid TOML"),
        ("a = " + "[" * 2000 + "]" * 2000, "not valid TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(expected)):
        load_config(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml")


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[denoiser]\nwidth = 32")
    config = load_config(path, ["denoiser.width=128", "guidance.method=repaint", "seed=7"])
    assert (config.denoiser.width, config.guidance.method, config.seed) == (128, "repaint", 7)


@pytest.mark.parametrize("override", ["denoiser.width", "=3", "seed.width=3", "sampler.stpes=3"])
def test_a_wrong_override_is_refused(tmp_path: Path, override: str) -> None:
    path = write(tmp_path, "seed = 1")
    with pytest.raises(ConfigError):
        load_config(path, [override])


def test_digests_see_every_value_and_no_order() -> None:
    base = Config()
    other = config_from_table({"sampler": {"steps": base.sampler.steps + 1}})
    assert digest_of(base) == digest_of(Config())
    assert digest_of(base) != digest_of(other)


def test_reading_a_configuration_does_not_import_jax() -> None:
    code = "import sys, align_da.config; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_lead_time_has_one_kind_of_background() -> None:
    cycled = {"cycled_backgrounds": {"segments": 8}}
    table = {"backgrounds": {"lead_hours": [6, 48]}}
    with pytest.raises(ConfigError, match=r"cycle window of 6 h.*segments = 0"):
        config_from_table({**table, **cycled})
    assert config_from_table(table).learned_lead_hours == (6, 48)
    assert config_from_table(cycled).learned_lead_hours == (6, 12, 24, 48)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("world.truth = 'era5'", r"\[era5\].*give both or none"),
        ("era5.source = 'era5.zarr'", r"\[era5\].*give both or none"),
        ("world = {truth = 'era5'}\nera5.source = 'era5.zarr'", "spin_up_days = 0, got 90"),
        ("world.model = 'onnx'", r"\[onnx\].*give both or none"),
        ("onnx = {path = 'a.onnx', kind = 'frame'}", r"\[onnx\].*give both or none"),
    ],
)
def test_what_belongs_together_is_given_together(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        load_config(write(tmp_path, text))


def test_a_section_that_is_absent_is_in_no_digest_and_has_its_defaults_when_named() -> None:
    assert {"era5", "onnx", "reports"}.isdisjoint(
        name for name, section in Config().model_dump().items() if section is not None
    )
    assert config_from_table({"reports": {}}).reports == ReportsConfig()


def test_what_is_not_given_of_a_guidance_or_sampler_is_what_the_method_needs(
    tmp_path: Path,
) -> None:
    named = load_config(write(tmp_path, ""), ["guidance.method=split_gibbs"]).guidance
    assert named.repetitions == GuidanceConfig(method="split_gibbs").repetitions == 10
    assert SamplerConfig(kind="stochastic").steps == 128
    assert load_config(write(tmp_path, "[sampler]\nkind = 'heun'")).sampler.steps == 10


@pytest.mark.parametrize("section", ["correction", "alignment", "denoiser", "autoencoder"])
def test_a_table_that_says_some_of_a_section_leaves_the_rest_as_it_is_there(section: str) -> None:
    changed = config_from_table({section: {"training": {"steps": 777}}}).model_dump(mode="json")
    expected = Config().model_dump(mode="json") | {
        section: getattr(Config(), section).model_dump(mode="json")
    }
    expected[section]["training"]["steps"] = 777
    assert changed == expected


def test_what_is_given_stays_whatever_the_method() -> None:
    assert GuidanceConfig(method="sda", strength=1.0).strength == 1.0
    assert GuidanceConfig(method="split_gibbs", repetitions=1).repetitions == 1
    assert SamplerConfig(kind="stochastic", steps=12).steps == 12


def test_another_method_keeps_how_far_systems_are_solved_and_has_its_own_strength() -> None:
    given = GuidanceConfig(method="jfps", strength=3.0, tolerance=0.2, iterations=7)
    sda, strong = given.of("sda"), given.of("sda", 0.5)
    assert (sda.tolerance, sda.iterations) == (0.2, 7)
    assert (sda.strength, strong.strength) == (GuidanceConfig(method="sda").strength, 0.5)


def test_a_filter_is_local_in_one_direction_in_both_or_in_none() -> None:
    def half_widths(*changes: str) -> tuple[float | None, float | None]:
        return load_config(None, changes).letkf.half_widths

    assert half_widths("letkf.radius_km=1200", "letkf.depth=0.7") == (1.2e6, 0.7)
    assert half_widths("letkf.radius_km=global", "letkf.depth=0.7") == (None, 0.7)
    assert half_widths("letkf.radius_km=global", "letkf.depth=global") == (None, None)
