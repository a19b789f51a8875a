"""One switch a run, for all charts of the page, that a keyboard reaches as legends cannot be."""

from collections.abc import Sequence

from bokeh.models import CheckboxGroup, CustomJS, InlineStyleSheet
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from align_da.verification.report.page import Chart

_WRAPPED = ".bk-input-group.bk-inline { flex-wrap: wrap; gap: 4px 14px; }"
_SHOW = """
runs.forEach((run, index) => {
  for (const renderer of renderers[run]) renderer.visible = cb_obj.active.includes(index);
});
"""


def run_switch(runs: Sequence[str], charts: Sequence[Chart]) -> CheckboxGroup:
    """Boxes that show and hide what charts draw of a run, which has its name."""
    panels = [it for chart in charts for it in chart.panels if isinstance(it, figure)]
    drawn = [it for panel in panels for it in panel.renderers if isinstance(it, GlyphRenderer)]
    renderers = {run: [it for it in drawn if it.name == run] for run in runs}
    boxes = CheckboxGroup(labels=list(runs), active=list(range(len(runs))), inline=True)
    boxes.stylesheets = [InlineStyleSheet(css=_WRAPPED)]
    callback = CustomJS(args={"runs": list(runs), "renderers": renderers}, code=_SHOW)
    boxes.js_on_change("active", callback)
    return boxes
