"""Digests of definitions, and that arguments below the configuration keep them."""

import hashlib

from align_da.config import (
    ReplacementConfig,
    SamplerConfig,
    TrainingConfig,
    VerificationConfig,
    WatchdogConfig,
)
from align_da.cycling.replacement import ReplacementRule
from align_da.cycling.watchdog import AlarmRule
from align_da.diffusion.noise_levels import NoiseLevels
from align_da.digests import digest_of
from align_da.runs.samplers import noise_levels
from align_da.runs.training_plan import training_plan
from align_da.verification.significance import Bootstrap


def test_a_digest_is_that_of_canonical_json() -> None:
    expected = hashlib.sha256(b'["name", 1, [1.5, [2, 3]], {"a": 1, "b": null}]').hexdigest()
    assert digest_of("name", 1, [1.5, (2, 3)], {"b": None, "a": 1}) == expected


def test_a_plan_has_the_digest_of_the_section_it_was_made_of() -> None:
    """Checkpoints that know settings and seed alone are found again."""
    section = TrainingConfig(steps=7, warm_up_steps=3, early_stopping=False)
    assert digest_of(training_plan(section), 5) == digest_of(section, 5)


def test_what_a_room_does_unasked_is_what_the_configuration_says_unasked() -> None:
    assert AlarmRule() == AlarmRule(**dict(WatchdogConfig()))
    assert ReplacementRule() == ReplacementRule(**dict(ReplacementConfig()))
    assert NoiseLevels() == noise_levels(SamplerConfig())
    asked = VerificationConfig()
    assert Bootstrap() == Bootstrap(asked.bootstrap_samples)
