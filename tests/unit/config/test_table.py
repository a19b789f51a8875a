"""A configuration that was stored is read back as it was."""

import json
from collections.abc import Iterator

import pytest

from align_da.config import Config, Section, config_from_table, load_config
from align_da.config.table import config_from_digested, table_of, with_overrides
from align_da.digests import plain

CHANGES = (
    (),
    ("correction.averaged=1", "correction.width=32"),
    ("correction.averaged=3", "correction.network_rounds=2"),
    ("cycle.correction_share=1", "cycle.trajectory_hours=3", "world.step_hours=3"),
    ("reports.required=['synop']", "observations.geopotential_error=50.0"),
)


def loaded(changes: tuple[str, ...]) -> Config:
    return load_config(None, changes)


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_configuration_comes_back_from_json(changes: tuple[str, ...]) -> None:
    config = loaded(changes)
    assert config_from_table(json.loads(json.dumps(table_of(config)))) == config


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_configuration_comes_back_from_what_digests_see_of_it(changes: tuple[str, ...]) -> None:
    config = loaded(changes)
    assert config_from_digested(json.loads(json.dumps(plain(config)))) == config


def test_what_is_none_comes_back() -> None:
    config = Config.model_validate({"analysis": {"truncation": None}})
    assert config_from_table(table_of(config)) == config
    assert config_from_digested(plain(config)) == config


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_overrides_change_a_stored_configuration_as_they_would_its_file(
    changes: tuple[str, ...],
) -> None:
    more = ("guidance.method=split_gibbs", "sampler.steps=7", "reports.padded=5", "seed=3")
    assert with_overrides(loaded(changes), ()) == loaded(changes)
    assert with_overrides(loaded(changes), more) == loaded((*changes, *more))


def test_what_one_sampler_needs_is_not_kept_for_another() -> None:
    stochastic = loaded(("sampler.kind=stochastic", "sampler.rho=5.0"))
    assert stochastic.sampler.steps == 128
    changed = with_overrides(stochastic, ["sampler.kind=heun"])
    assert (changed.sampler.steps, changed.sampler.rho) == (10, 5.0)


def left_out(section: Section) -> Iterator[str]:
    """Keys that digests leave out at a value that is not their default."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from (f"{name}.{key}" for key in left_out(value))
        elif field.exclude_if is not None and not field.exclude_if(value):
            yield name


def test_two_keys_are_left_out_of_digests_at_another_value_than_their_defaults() -> None:
    """A further one has to be told to `config_from_digested`."""
    assert list(left_out(Config())) == ["correction.averaged", "cycle.correction_share"]
    assert config_from_digested(plain(loaded(["cycle.correction_share=0"]))).cycle == (
        loaded(["cycle.correction_share=0"]).cycle
    )
