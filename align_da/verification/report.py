"""The report: one HTML file that opens without a network, and its figures as PNG beside it.

Rendering is pure (a `HtmlReport` in, text out); `write_report` alone touches a folder. Images are
embedded as base64 and the style is inline, so the file can be mailed or archived by itself.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from align_da.errors import InputError
from align_da.storage.durable import write_durably
from align_da.verification.figure_style import to_png
from align_da.verification.table_format import format_cell

REPORT_NAME = "report.html"


@dataclass(frozen=True)
class ReportTable:
    """A table with a caption; numbers are shown with four significant digits."""

    caption: str
    frame: pd.DataFrame

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in self.frame.columns]

    @property
    def rows(self) -> list[list[str]]:
        """Text of the cells."""
        return [[format_cell(value) for value in row] for row in self.frame.to_numpy(object)]


@dataclass(frozen=True)
class ReportFigure:
    """A figure with a caption.

    Attributes:
        name: name of the PNG file, without suffix: letters, digits, "-" and "_".
        caption: what to see.
        png: the image.
    """

    name: str
    caption: str
    png: bytes

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum():
            message = f"expected a name of letters, digits, '-' and '_', got {self.name!r}"
            raise InputError(message)

    @property
    def embedded(self) -> str:
        """The image as a data address."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Section:
    """A part of the report: text (one paragraph a line), then tables, then figures."""

    title: str
    text: str = ""
    tables: Sequence[ReportTable] = ()
    figures: Sequence[ReportFigure] = ()

    @property
    def paragraphs(self) -> list[str]:
        """The lines of the text that are not empty."""
        return [line for line in self.text.splitlines() if line.strip()]


@dataclass(frozen=True)
class HtmlReport:
    """Everything that the report shows.

    Attributes:
        title: of the page.
        headline: label and value of the few figures that matter most.
        sections: in order.
        footer: where it came from (digest of the configuration, versions).
    """

    title: str
    headline: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    footer: str = ""


def report_figure(name: str, caption: str, figure: Figure) -> ReportFigure:
    """A drawn figure, ready for the report."""
    return ReportFigure(name, caption, to_png(figure))


def render_report(report: HtmlReport) -> str:
    """The report as one HTML document; all text is escaped."""
    source = resources.files("align_da.verification").joinpath("report.html")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source.read_text(encoding="utf-8")).render(report=report)


def write_report(report: HtmlReport, folder: Path) -> Path:
    """Write `report.html` and every figure as PNG into a folder.

    Returns:
        The path of the HTML file.

    Raises:
        InputError: two figures have the same name.
        StorageError: a file cannot be written.
    """
    figures = [figure for section in report.sections for figure in section.figures]
    names = [figure.name for figure in figures]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        message = f"figures need names of their own, {', '.join(sorted(repeated))} came twice"
        raise InputError(message)
    for figure in figures:
        write_durably(folder / f"{figure.name}.png", figure.png)
    path = folder / REPORT_NAME
    write_durably(path, render_report(report).encode())
    return path
