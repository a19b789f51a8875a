"""Every run beside a reference that the reader chooses: improvements with their intervals.

Points are 1 − new / reference, filled where the 95 % interval of `significance` excludes zero. All
pairs are computed before; what is chosen for the page chooses here.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, CustomJS, FactorRange, Select, Span

from align_da.verification.figure_style import INK, MUTED, colour_of
from align_da.verification.relative_errors import RELATIVE
from align_da.verification.report.choices import Columns, Key, Leaf, selects_for
from align_da.verification.report.page import Chart
from align_da.verification.report.style import add_hover, new_panel
from align_da.verification.score_table import SCORES

_ROW, _FRAME = 17, 90  # pixels
_SHOW_WORDS = """
for (const words of document.querySelectorAll("[data-reference]")) {
  words.hidden = words.dataset.reference !== cb_obj.value;
}
"""


def comparison_chart(
    summaries: Mapping[str, pd.DataFrame], labels: Sequence[str], runs: Sequence[str]
) -> tuple[Select, Chart]:
    """The select of the reference, and the chart that follows it, as the words of the page do.

    Args:
        summaries: of `summarise_scores`, by the reference.
        labels: the fields shown, from the top.
        runs: names, in order.
    """
    factors = [(label, run) for label in labels for run in runs]
    leaves: dict[Key, Leaf] = {}
    for reference, summary in summaries.items():
        gained = _low_is_better(summary[summary["variable"].isin(labels)])
        for (product, score), own in gained.groupby(["product", "score"], sort=False):
            label = SCORES[str(score)].label
            columns = _columns(own, factors, runs)
            leaves[reference, str(product), label] = Leaf([columns], "improvement, %")
    source = ColumnDataSource({"place": factors})
    panel = new_panel(
        "",
        _FRAME + _ROW * len(factors),
        y_range=FactorRange(*reversed(factors), group_padding=0.6, range_padding=0.02),
    )
    panel.y_range.factor_padding = 0.1
    panel.yaxis.group_label_orientation = "horizontal"
    panel.yaxis.group_text_color = INK
    panel.yaxis.separator_line_color = None
    panel.ygrid.grid_line_color = None
    panel.add_layout(Span(location=0, dimension="height", line_color=MUTED, level="underlay"))
    panel.hbar("place", left="low", right="high", height=0.12, source=source, color="colour")
    dots = panel.scatter(
        "gain",
        "place",
        source=source,
        size=9,
        line_width=1.6,
        line_color="colour",
        fill_color="fill",
    )
    told = [("run", "@run"), ("", "@told"), ("95 % interval", "@interval"), ("dates", "@dates")]
    add_hover(panel, [dots], told)
    titles = ["Reference", "Product", "Score"]
    reference, *selects = selects_for(titles, leaves, [source], panel.xaxis)
    reference.js_on_change("value", CustomJS(code=_SHOW_WORDS))
    caption = (
        "Right of zero is better than the reference. A filled point differs surely: its interval "
        "excludes zero. A point without a line has too few independent dates for an interval."
    )
    return reference, Chart("Compared with the reference", caption, selects, [panel])


def _low_is_better(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of scores that can improve by a share; relative errors are the RMSE of whole states."""
    low = [score for score, meaning in SCORES.items() if meaning.aim == "low"]
    named = summary.assign(score=summary["score"].replace(RELATIVE, "rmse"))
    return named[named["score"].isin(low)]


def _columns(
    own: pd.DataFrame, factors: Sequence[tuple[str, str]], runs: Sequence[str]
) -> Columns:
    """What is drawn of every field and run; the reference has no change, others may have none."""
    rows = own.set_index(["variable", "method"]).reindex(list(factors))
    gain, low, high = (
        100 * rows[name].astype(float).to_numpy() if name in rows else np.full(len(rows), np.nan)
        for name in ("improvement", "improvement_low", "improvement_high")
    )
    gain[(rows["verdict"] == "reference").to_numpy()] = 0.0
    known = np.isfinite(low)
    sure = rows["verdict"].isin(["better", "worse"]).to_numpy()
    colours = [colour_of(run, runs) for _, run in factors]
    return {
        "gain": gain.tolist(),
        "low": np.where(known, low, np.nan).tolist(),
        "high": np.where(known, high, np.nan).tolist(),
        "run": [run for _, run in factors],
        "colour": colours,
        "fill": [
            colour if filled else "white" for colour, filled in zip(colours, sure, strict=True)
        ],
        "told": [_told(float(value)) for value in gain],
        "interval": [
            f"{start:+.1f} to {end:+.1f} %" if there else "not known"
            for start, end, there in zip(low, high, known, strict=True)
        ],
        "dates": [_worth(row) for row in rows.to_dict("records")],
    }


def _told(gain: float) -> str:
    """A change in words."""
    return "nothing to compare" if np.isnan(gain) else f"{gain:+.1f} % improvement"


def _worth(row: Mapping[object, object]) -> str:
    """How many dates stand behind an interval, and what they are worth."""
    dates, worth = row["dates"], row.get("effective_dates")
    if not isinstance(dates, float | int) or not isinstance(worth, float) or np.isnan(worth):
        return "—"
    return f"{dates:.0f}, worth {worth:.3g} independent ones"
