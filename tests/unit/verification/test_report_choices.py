import re
from importlib import resources

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, CustomJS, LinearAxis

from align_da.verification.report.choices import Leaf, offered, selects_for, tree_of

KEYS = [("u", "500 hPa"), ("u", "850 hPa"), ("p_s", "surface")]


def test_a_select_offers_what_is_open_below_the_choices_before_it() -> None:
    variable, level = offered(["Variable", "Level"], KEYS[0], KEYS)
    assert variable.options == ["u", "p_s"]
    assert level.options == ["500 hPa", "850 hPa"]
    assert offered(["Variable", "Level"], KEYS[2], KEYS)[1].options == ["surface"]


def test_every_leaf_is_in_the_tree_and_the_first_is_shown() -> None:
    leaves = {
        key: Leaf([{"value": np.full(2, number)}], f"RMSE of {key[0]}")
        for number, key in enumerate(KEYS)
    }
    source, axis = ColumnDataSource({"date": [0, 1]}), LinearAxis()
    selects = selects_for(["Variable", "Level"], leaves, [source], [axis])
    assert axis.axis_label == "RMSE of u"
    np.testing.assert_array_equal(source.data["value"], 0)
    assert list(source.data["date"]) == [0, 1]
    (callback,) = {it for select in selects for it in select.js_property_callbacks["change:value"]}
    assert isinstance(callback, CustomJS)
    for key, leaf in leaves.items():
        assert callback.args["tree"][key[0]][key[1]]["label"] == leaf.label


def test_a_tree_has_the_order_of_its_leaves() -> None:
    assert tree_of({("b", "x"): 1, ("a", "y"): 2, ("b", "w"): 3}) == {
        "b": {"x": 1, "w": 3},
        "a": {"y": 2},
    }


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of a colour as #rgb or #rrggbb."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * it for it in colour[1:])
    linear = [
        it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4
        for it in (int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4))
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("text", ["ink", "muted", "accent"])
@pytest.mark.parametrize("ground", ["paper", "ground"])
def test_text_stands_out_from_the_page_by_four_and_a_half(text: str, ground: str) -> None:
    source = resources.files("align_da.verification.report").joinpath("page.html").read_text()
    colours = dict(re.findall(r"--(\w+): (#\w+);", source))
    bright, dark = luminance(colours[ground]), luminance(colours[text])
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
