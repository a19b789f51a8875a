"""The report: one HTML file that opens without a network, and its figures as PNG beside it.

Rendering is pure (a `HtmlReport` in, text out); `write_report` alone touches a folder. Bokeh draws
what can be chosen from; its code, the data and the style are inline, so the file can be mailed or
archived by itself, and the page forbids its browser every address but its own.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from bokeh.document import Document
from bokeh.model import Model
from bokeh.resources import Resources
from matplotlib.figure import Figure

from align_da.errors import InputError
from align_da.storage.durable import write_durably
from align_da.verification.figure_style import to_png
from align_da.verification.table_format import format_cell

REPORT_NAME = "report.html"
_BOKEH = ["bokeh", "bokeh-widgets"]


@dataclass(frozen=True)
class Paragraph:
    """Some sentences.

    Attributes:
        text: what they say.
        reference: the run that they compare with: they are shown while the reader has chosen it;
            empty for what is always shown.
    """

    text: str
    reference: str = ""


@dataclass(frozen=True)
class ReportTable:
    """A table with a caption, whose columns can be sorted.

    Attributes:
        caption: what it holds, with units where no column has them.
        frame: numbers are shown with four significant digits.
        reference: as of a `Paragraph`.
        folded: whether it is only shown when it is asked for.
    """

    caption: str
    frame: pd.DataFrame
    reference: str = ""
    folded: bool = False

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
class Chart:
    """Panels that answer to controls.

    Attributes:
        title: short.
        caption: what to see, and of what.
        controls: what can be chosen, in order.
        panels: figures, side by side where there is room.
    """

    title: str
    caption: str
    controls: Sequence[Model]
    panels: Sequence[Model]


@dataclass(frozen=True)
class Section:
    """A part of the report: text (one paragraph a line), then charts, tables and figures.

    Attributes:
        title: of the section.
        text: one paragraph a line.
        charts: what can be chosen from.
        tables: in order.
        figures: shown, and written beside the page.
        beside: written beside the page alone, as charts show more.
    """

    title: str
    text: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[ReportTable] = ()
    figures: Sequence[ReportFigure] = ()
    beside: Sequence[ReportFigure] = ()

    @property
    def paragraphs(self) -> list[str]:
        """The lines of the text that are not empty."""
        return [line for line in self.text.splitlines() if line.strip()]


@dataclass(frozen=True)
class HtmlReport:
    """Everything that the report shows.

    Attributes:
        title: of the page.
        lead: the first words.
        controls: what is chosen for the whole page.
        reference: the run that the others are compared with at first.
        sections: in order.
        footer: where it came from (digest of the configuration, versions).
    """

    title: str
    lead: Sequence[Paragraph] = ()
    controls: Sequence[Model] = ()
    reference: str = ""
    sections: Sequence[Section] = ()
    footer: str = ""

    @property
    def models(self) -> Iterator[Model]:
        """Everything that Bokeh draws, in the order of the page."""
        yield from self.controls
        for section in self.sections:
            for chart in section.charts:
                yield from (*chart.controls, *chart.panels)


def report_figure(name: str, caption: str, figure: Figure) -> ReportFigure:
    """A drawn figure, ready for the report."""
    return ReportFigure(name, caption, to_png(figure))


def render_report(report: HtmlReport) -> str:
    """The report as one HTML document; all text is escaped."""
    source = resources.files("align_da.verification.report").joinpath("page.html")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {}  # in their order: Bokeh names what it has told
    models = tuple(report.models)
    charts = _numbered(_document_of(models), {}) if models else None
    places = {model.id: f"model-{number}" for number, model in enumerate(models)}
    library = Resources(mode="inline", components=_BOKEH).render() if models else ""
    page = environment.from_string(source.read_text(encoding="utf-8"))
    return page.render(report=report, places=places, library=library, charts=charts)


def _document_of(models: Sequence[Model]) -> Any:  # noqa: ANN401 (JSON)
    """Everything that Bokeh draws, with its data, as JSON has it."""
    document = Document()
    with document.models.freeze():  # else everything is looked through once more for each of them
        for model in models:
            document.add_root(model)
    content = document.to_json(deferred=False)
    document.clear()  # so that they can be drawn again
    return content


def _numbered(content: Any, numbers: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """The same with identities that are counted in it, so that equal reports have equal bytes."""
    if isinstance(content, list | tuple):
        return [_numbered(it, numbers) for it in content]
    if not isinstance(content, dict):
        return content
    own = content.get("id")
    known = {} if own is None else {"id": numbers.setdefault(own, f"p{len(numbers)}")}
    return {key: _numbered(it, numbers) for key, it in content.items() if key != "id"} | known


def write_report(report: HtmlReport, folder: Path) -> Path:
    """Write `report.html` and every figure as PNG into a folder.

    Returns:
        The path of the HTML file.

    Raises:
        InputError: two figures have the same name.
        StorageError: a file cannot be written.
    """
    figures = [it for section in report.sections for it in (*section.figures, *section.beside)]
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
