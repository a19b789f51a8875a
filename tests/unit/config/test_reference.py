"""What the configuration says of itself."""

import re
from pathlib import Path

import pytest

import align_da.config
from align_da.config import Config, load_config
from align_da.config.key import keys_of
from align_da.config.reference import described, page, sections
from align_da.config.schema import choices_of, kind_of
from align_da.errors import ConfigError

PAGE = Path(align_da.config.__file__).with_name("README.md")
KEYS = {str(key): key for key in keys_of(Config)}


def test_the_page_is_made_of_the_descriptions_that_there_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        f"make it anew: align-da config --markdown > {PAGE}"
    )


def test_the_page_has_a_row_for_every_key() -> None:
    rows = re.findall(r"^\| `", page(), re.MULTILINE)
    assert len(rows) == sum(key.section is None for key in KEYS.values())
    assert not any(
        "|" in key.description + kind_of(key) for key in KEYS.values() if not key.section
    )


def test_all_sections_are_a_line_each() -> None:
    lines = sections().splitlines()
    told = [name for name, key in KEYS.items() if key.section or "." not in name]
    assert [line.split()[0] for line in lines] == told


@pytest.mark.parametrize("name", KEYS)
def test_everything_is_described_by_its_whole_name(name: str) -> None:
    key = KEYS[name]
    told = " ".join(described(name).split())
    assert key.description in told
    assert told.startswith(f"[{name}]" if key.section else f"{name} =")


def test_a_section_tells_its_keys_and_names_those_within() -> None:
    told = described("cycle")
    assert 'method = "hybrid_gain"  # analysis method by name\n    The analysis method' in told
    assert "[cycle.watchdog]\n    What happens when the spread" in told
    assert "policy" not in told


def test_a_key_tells_what_is_installed_and_what_it_is_found_by() -> None:
    assert set(choices_of(KEYS["sampler.kind"])) >= {"heun", "dpm_solver", "stochastic"}
    assert "    Installed: " in described("alignment.rewards")
    assert "Found by: rtps" in described("letkf.relaxation")


def test_a_value_in_effect_is_told_beside_its_default() -> None:
    config = load_config(None, ["letkf.inflation=1.1", "sampler.kind=stochastic"])
    assert "inflation = 1.1  # number above 0; default 1.6" in described("letkf", config)
    assert "relaxation = 0.95  # number at least 0 and at most 1\n" in described("letkf", config)
    assert "sampler.steps = 128  # whole number above 0; default 10" in (
        described("sampler.steps", config)
    )
    assert "padded = 20000" in described("reports", config)


def test_defaults_are_those_of_the_place() -> None:
    steps = [described(f"{section}.training.steps") for section in ("denoiser", "correction")]
    assert [re.search(r"= (\d+)", told)[1] for told in steps] == ["2000", "100"]  # type: ignore[index]
    assert "observations.wind_error = 1.0" in described("wind_error")
    assert "coarse_map.wind_error = 0.3" in described("wind_error")


def test_keys_of_one_name_are_told_together() -> None:
    told = described("radius_km")
    owners = ("optimal_interpolation", "three_d_var", "letkf")
    assert all(f"{owner}.radius_km = " in told for owner in owners)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("letkf.localization", "'letkf.radius_km'"),
        ("localization", "'letkf.radius_km'"),
        ("training.lr", "'denoiser.training.learning_rate'"),
        ("letkf.radius", "'letkf.radius_km'"),
        ("cycel.members", "'cycle'"),
        ("letkf.radius_km.more", "expected one of|did you mean"),
        ("", "expected one of seed, world"),
    ],
)
def test_a_name_that_there_is_not_is_answered_with_what_is_meant(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=meant):
        described(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("seed", "whole number at least 0"),
        ("three_d_var.radius_km", "number above 0"),
        ("letkf.radius_km", 'number above 0 or "global"'),
        ("observations.density", "number above 0 and at most 1"),
        ("denoiser.sigma_mean", "number"),
        ("cycle.calibrated", "true or false"),
        ("world.start", "text"),
        ("world.step_hours", "1, 2, 3 or 6"),
        ("cycle.watchdog.policy", '"warn", "stop" or "inflate"'),
        ("backgrounds.amplitude", "[number above 0, number above 0]"),
        ("backgrounds.lead_hours", "list, each whole number above 0"),
        ("alignment.rewards", "list, each reward by name"),
        ("benchmark.strengths", "table, each number above 0"),
        ("parts", "table, each table"),
        ("neuralgcm.seed", "whole number at least 0"),
    ],
)
def test_what_a_key_may_be_is_told_in_words(name: str, kind: str) -> None:
    assert kind_of(KEYS[name]) == kind


def test_of_a_table_of_names_that_others_choose_the_table_is_told() -> None:
    assert described("parts.calm") == described("parts")
