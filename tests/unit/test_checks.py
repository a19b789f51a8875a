"""What the objects that are offered refuse at their construction, and how they tell it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import align_da as da
from align_da.atmosphere.variables import Variable
from align_da.checks import (
    check_count,
    check_kind,
    check_positive,
    check_share,
    in_brief,
    some_of,
)
from align_da.config import SamplerConfig, TrainingConfig
from align_da.errors import ConfigError, InputError
from align_da.prior import prior_from_covariance

LINE = da.periodic_line(4)
LAYOUT = da.Layout(LINE, ("abstract_field",))
B = np.eye(4)


def bind(*_: object) -> None:
    """Stands for an operator that is never asked for."""


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (check_positive, [1, 0.5, np.float32(2)], [0, -1.0, np.nan, np.inf, "1", None, True, []]),
        (check_share, [0, 1, 0.5], [-0.1, 1.1, np.nan, "1", None, False]),
        (check_count, [1, np.int64(3)], [0, -1, 1.0, np.nan, "1", None, True]),
    ],
)
def test_a_number_is_refused_that_is_not_of_its_kind(
    check: Callable[[str, object], None], good: list[object], bad: list[object]
) -> None:
    for value in good:
        check("it", value)
    for value in bad:
        with pytest.raises(InputError, match=r"^it: expected a "):
            check("it", value)


def test_an_object_of_another_kind_and_a_class_are_told_apart() -> None:
    check_kind("it", 1.5, float, "a float")
    with pytest.raises(InputError, match=r"it: expected a float, got str 'x{50,78}…$"):
        check_kind("it", "x" * 1000, float, "a float")
    with pytest.raises(InputError, match="it: expected a float, got the class float"):
        check_kind("it", float, float, "a float")


def test_what_was_cut_says_so_and_what_was_not_does_not() -> None:
    assert in_brief(["a\n", 1]) == r"['a\n', 1]"
    assert in_brief("x" * 78) == f"'{'x' * 78}'"
    assert in_brief("x" * 79) == f"'{'x' * 78}…"
    assert some_of("abcde") == "a, b, c, d, e"
    assert some_of("abcdef") == "a, b, c, d, e, …"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: da.LETKF(bind, inflation=0.0), "inflation of a LETKF: expected a number > 0"),
        (lambda: da.LETKF(bind, inflation=-1.1), "inflation"),
        (lambda: da.LETKF(bind, relaxation=1.5), "relaxation of a LETKF: expected .* 0 to 1"),
        (lambda: da.LETKF(bind, relaxation=-0.1), "relaxation"),
        (lambda: da.Localisation(-1e6), "the radius of a localisation: expected a number > 0"),
        (lambda: da.Localisation(1e6, 0.0), "the depth of a localisation"),
        (lambda: da.Localisation(float("nan")), "radius"),
        (lambda: da.periodic_line(0), "the points of a line: expected .* at least 1, got 0"),
        (lambda: da.Layout(LINE, ()), "the variables of a layout"),
        (lambda: da.Layout(LINE, ("temperature",) * 2), "each once"),
        (lambda: da.State(jnp.zeros((1, 5, 1)), LAYOUT), r"trailing shape \(1, 4, 1\) for .* got"),
        (lambda: da.State(jnp.zeros((2, 1, 4, 3)), LAYOUT), "trailing shape"),
        (
            lambda: prior_from_covariance(LAYOUT, B * np.nan),
            "finite numbers .* row 0, column 0",
        ),
        (lambda: prior_from_covariance(LAYOUT, B + np.eye(4, k=1)), "a symmetric matrix"),
        (lambda: prior_from_covariance(LAYOUT, -B), "variances of at least 0 .* got -1 in row"),
        (lambda: prior_from_covariance(LAYOUT, 2 * np.ones((4, 4)) - 3 * B), "variances"),
        (lambda: prior_from_covariance(LAYOUT, 3 * B - np.ones((4, 4))), "the eigenvalue -0.5"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(
    make: Callable[[], object], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        make()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bounds": (1.0, 1.0)}, "finite bounds, the lowest first"),
        ({"bounds": (0.0, float("inf"))}, "finite bounds"),
        ({"bounds": (float("nan"), 1.0)}, "finite bounds"),
        ({"observation_error": 0.0}, "an observation error > 0"),
        ({"observation_error": float("nan")}, "an observation error > 0"),
    ],
)
def test_a_variable_that_makes_no_sense_is_refused(changes: dict[str, object], told: str) -> None:
    given = {"bounds": (0.0, 1.0), "location": "levels", **changes}
    with pytest.raises(InputError, match=f"'ozone': expected {told}"):
        Variable("ozone", "ozone", "1", "O3", **given)


def test_a_section_that_is_made_in_python_tells_mistakes_as_a_file_does() -> None:
    with pytest.raises(ConfigError, match="kind: did you mean 'heun'"):
        SamplerConfig(kind="heunn")
    with pytest.raises(ConfigError, match=r"unknown key 'step'.*'steps'"):
        SamplerConfig(step=3)
    with pytest.raises(ConfigError, match="expected warm_up_steps < steps"):
        TrainingConfig(steps=5, warm_up_steps=5)


# Types are checked by the tests themselves, and in front of ours: only without them is it seen
# what a user is told.
WRONG = {
    "da.LETKF('interpolation')": "operator_for: expected a function",
    "da.LETKF(interpolation_operator, 3e6)": "expected a Localisation, got float",
    "da.LETKF(interpolation_operator, inflation='1.1')": "inflation of a LETKF",
    "da.LETKF(interpolation_operator, observation_errors=Huber)": "got the class Huber",
    "da.LETKF(interpolation_operator)(array, None, 6, None)": "expected a State",
    "da.Layout(line, 'temperature')": "expected a tuple of names",
    "da.Layout(layout, ('temperature',))": "expected a Grid, got Layout",
    "da.Lorenz96ForecastModel().forecast(array, None, 6)": "a State .*, got DataArray",
    "da.CycleState(state, pandas.Timestamp('2020'))": "valid_time .* got Timestamp",
    "da.CycleState(array, numpy.datetime64('2020'))": "expected a State",
    "da.CycleParts('lorenz96', None, 6)": "expected a ForecastModel, got str 'lorenz96'",
    "da.guided_analysis(prior, 'jfps')": "expected a guidance such as .* got str 'jfps'",
    "da.guided_analysis('static', guidance)": "expected a prior, as load_prior",
    "da.guided_analysis(prior, guidance, micro_batch=0)": "micro_batch: expected a whole",
    "LatentThreeDVar(prior, interpolation_operator, 0, 30)": "outer iterations",
    "da.open_shipped('seed=1')": "expected a list of overrides",
    "shipped.last_time": "expected a truth in",
    "da.load_prior(shipped, 'alined')": "'alined' .* static, reference, aligned",
    "Variable('a', 'a', '1', 'a', 'sea', (0.0, 1.0))": "expected location 'levels' or 'surface'",
    "da.periodic_line('40')": "the points of a line",
}
CODE = """
import json, sys
import jax.numpy as jnp, numpy, pandas, xarray
import align_da as da
from align_da.atmosphere.variables import Variable
from align_da.errors import AlignDAError
from align_da.guidance.jfps import jfps_guidance
from align_da.assimilation import LatentThreeDVar
from align_da.observations import Huber, interpolation_operator
from align_da.prior import prior_from_covariance
line = da.periodic_line(4)
layout = da.Layout(line, ("abstract_field",))
state = da.State(jnp.zeros(layout.shape), layout)
array = xarray.DataArray(numpy.zeros(layout.shape))
prior = prior_from_covariance(layout, numpy.eye(4))
shipped = da.open_shipped(["world.model=lorenz96"])  # JCM takes seconds to build
guidance = jfps_guidance(1.0, 5)
for call in json.loads(sys.argv[1]):
    try:
        eval(call)
        print("taken")
    except AlignDAError as error:
        print(error)
    except Exception as error:
        print(repr(error))
"""


def test_what_is_of_another_kind_is_told_in_our_words() -> None:
    given = json.dumps(list(WRONG))
    done = subprocess.run(
        [sys.executable, "-c", CODE, given],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    told = dict(zip(WRONG, done.stdout.splitlines(), strict=True))
    for call, expected in WRONG.items():
        with pytest.raises(InputError, match=expected):
            raise InputError(told[call])
