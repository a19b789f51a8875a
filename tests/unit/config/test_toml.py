"""A file with every key is the defaults, marked or not."""

import re
import tomllib
from pathlib import Path

import pytest

from align_da.config import Config, Era5Config, ReportsConfig, config_from_table, load_config
from align_da.config.key import keys_of
from align_da.config.toml import as_toml, template

MARKED_VALUE = re.compile(r"^#(?=\w+ = [^# ])", re.MULTILINE)


def section_of(name: str, text: str) -> str:
    """A section that is marked, up to the head of the next one."""
    found = re.search(rf"^#\[{name}\]\n((?!#?\[).*\n?)*", text, re.MULTILINE)
    assert found is not None
    return found[0]


def test_the_file_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(template(), encoding="utf-8")
    assert load_config(path) == Config()
    assert max(map(len, template().splitlines())) < 300


def test_its_values_are_the_defaults_when_their_marks_are_taken_away() -> None:
    values = MARKED_VALUE.sub("", template())
    absent = [key.place[0] for key in keys_of(Config) if key.section and f"#[{key}]" in values]
    assert absent == ["neuralgcm", "onnx", "era5", "reports"]
    for name in absent:
        values = values.replace(section_of(name, values), "")
    assert config_from_table(tomllib.loads(values)) == Config()
    assert len(tomllib.loads(values)["letkf"]) == 6


def test_a_section_that_is_marked_has_its_defaults_too() -> None:
    values = MARKED_VALUE.sub("", template())
    reports, era5 = (section_of(name, values).removeprefix("#") for name in ("reports", "era5"))
    assert config_from_table(tomllib.loads(reports)).reports == ReportsConfig()
    era5 = era5.replace("#source =", "source = 'here' #")
    given = tomllib.loads(era5 + "[world]\ntruth = 'era5'\nspin_up_days = 0")
    assert config_from_table(given).era5 == Era5Config(source="here")


def test_every_key_is_in_it_once() -> None:
    lines = template().splitlines()
    for key in keys_of(Config):
        if key.section is not None:
            assert sum(line in {f"[{key}]", f"#[{key}]"} for line in lines) == 1
    values = sum(bool(re.match(r"#\w+ =", line)) for line in lines)
    assert values == sum(key.section is None for key in keys_of(Config))


@pytest.mark.parametrize(
    "value",
    [
        *(True, 3, -1.5e-7, 1e22, 2000.0),
        *("", 'a "b" \\ c', "tab\tline\nend", "σ 🌍", "\x7f\x00"),
        *([1, 2], [[1.0], []], {"bare": 1, "with blank": {"σ": [True]}}),
    ],
    ids=repr,
)
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    assert tomllib.loads(f"value = {as_toml(value)}") == {"value": value}
