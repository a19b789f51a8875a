"""A notebook that has been executed, as Markdown."""

import base64
from collections.abc import Iterator
from typing import Any

_SHELL = "%%bash\n"
Cell = Any  # of nbformat


def text_of(notebook: Any, name: str) -> str:  # noqa: ANN401 (a notebook of nbformat)
    """The page: text as it is, code and commands in fences, what they gave below them.

    Args:
        notebook: that has been executed.
        name: that its files begin with.
    """
    first, *others = (_cell(cell, number, name) for number, cell in enumerate(notebook.cells))
    files = f"[notebook]({name}.ipynb)"
    told = f"This page was executed when the documentation was built: {files}.\n{{ .executed }}"
    return "\n\n".join([first, told, *others]) + "\n"


def pictures(notebook: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 (see `text_of`)
    """Every picture with its place, "cell_output"."""
    for number, cell in enumerate(notebook.cells):
        for place, output in enumerate(cell.get("outputs", [])):
            if "image/png" in output.get("data", {}):
                yield f"{number}_{place}", base64.b64decode(output.data["image/png"])


def _cell(cell: Cell, number: int, name: str) -> str:
    """One cell."""
    source = str(cell.source)
    if cell.cell_type == "markdown":
        return source
    if source.startswith(_SHELL):
        shown = _fenced("console", source.removeprefix(_SHELL))
    else:
        shown = _fenced("python", source)
    given = [_output(output, f"{name}_{number}_{n}.png") for n, output in enumerate(cell.outputs)]
    kept = [text for text in given if text]
    if not kept:
        return shown
    return "\n\n".join([shown, '<div class="result" markdown>', *kept, "</div>"])


def _output(output: Any, picture: str) -> str:  # noqa: ANN401 (of nbformat)
    """What a cell gave: a picture, or text; nothing of what went to the stream of errors."""
    if output.output_type == "stream":
        return _fenced("text", output.text) if output.name == "stdout" else ""
    data = output.get("data", {})
    if "image/png" in data:
        return f"![what the cell draws]({picture})"
    return _fenced("text", data["text/plain"]) if "text/plain" in data else ""


def _fenced(language: str, text: str) -> str:
    """Text between fences that it does not hold itself."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip()}\n{fence}"
