"""Which ensembles have a mean without sampling error, and are scored accordingly."""

import pytest

from align_da.config import config_from_table
from align_da.runs.analyses import AnalysisPart, SingleAnalyses, analysis_part, cycles_are_centred

SINGLE = SingleAnalyses(lead_hours=48, members=4)


def _cycle(method: str = "latent_score", members: int = 4, perturbations: str = "own") -> dict:
    return {"method": method, "members": members, "perturbations": perturbations}


@pytest.mark.parametrize(
    ("cycle", "sampler", "centred"),
    [
        (_cycle(), {}, True),
        (_cycle(members=8), {}, True),
        (_cycle(members=6), {}, False),  # the last micro-batch is not full
        (_cycle(), {"centred": False}, False),
        (_cycle(), {"micro_batch": 1}, False),
        (_cycle(members=6, perturbations="letkf"), {}, True),
        (_cycle("letkf", members=6), {"centred": False}, True),
        (_cycle("latent_three_d_var", members=6), {"centred": False}, True),
        (_cycle("free_run", members=6), {}, True),
    ],
)
def test_centred_cycles_are_known_by_what_made_them(
    cycle: dict, sampler: dict, *, centred: bool
) -> None:
    config = config_from_table({"cycle": cycle, "sampler": sampler})
    assert cycles_are_centred(config) == centred


def test_single_analyses_are_centred_by_their_own_members() -> None:
    config = config_from_table({"cycle": _cycle(members=6, perturbations="letkf")})
    assert analysis_part("latent_score").centred(config, SINGLE)
    assert not analysis_part("latent_score").centred(config, SingleAnalyses(48, members=6))


def test_the_members_of_a_foreign_method_are_taken_for_independent() -> None:
    config = config_from_table({})
    assert not AnalysisPart(lambda _run, _use: NotImplemented, "foreign").centred(config, None)
