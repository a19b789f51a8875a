"""The impact of observations on forecasts, by type and variable."""

import pandas as pd
from matplotlib.figure import Figure

from align_da.verification.figure_style import MUTED, PALETTE, common_style, new_figure


@common_style()
def impact_chart(by_type: pd.DataFrame) -> Figure:
    """A bar a type and variable, the most helpful on top; to the left is good.

    Args:
        by_type: of `observation_impact.table_by`, by type and variable.
    """
    labels = [
        f"{kind}: {variable.replace('_', ' ')}"
        for kind, variable in zip(by_type["type"], by_type["variable"], strict=True)
    ]
    impact = by_type["impact_per_cycle"].to_numpy(float)
    figure, (panel,) = new_figure(8.4, 1.2 + 0.4 * len(labels))
    panel.barh(range(len(labels)), impact, color=[PALETTE[int(it > 0)] for it in impact])
    panel.set_yticks(range(len(labels)), labels)
    panel.invert_yaxis()
    panel.grid(visible=False, axis="y")
    panel.axvline(0, color=MUTED, linewidth=1)
    panel.set_xlabel("change of the squared error, J kg⁻¹ a cycle (left is better)")
    panel.set_title("Impact of observations on forecasts")
    return figure
