"""A notebook that has been executed, as Markdown."""

import base64
from collections.abc import Iterator
from typing import Any

_SHELL = "%%bash"
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
        shown = _fenced("console", source.partition("\n")[2])
    else:
        shown = _fenced("python", source)
    kept = [text for text in _given(cell, f"{name}_{number}") if text]
    if not kept:
        return shown
    return "\n\n".join([shown, '<div class="result" markdown>', *kept, "</div>"])


def _given(cell: Cell, name: str) -> Iterator[str]:
    """What a cell has printed, then what it has drawn or its last line has given.

    Nothing that went to the stream of errors, and of a drawing nothing but the picture.
    """
    streams = (it.text for it in cell.outputs if it.get("name") == "stdout")
    if printed := "".join(streams).strip("\n"):
        yield _fenced("text", printed)
    data = [(place, it.get("data", {})) for place, it in enumerate(cell.outputs)]
    drawn = [place for place, kinds in data if "image/png" in kinds]
    yield from (f"![what the cell draws]({name}_{place}.png)" for place in drawn)
    if not drawn:
        yield from (_fenced("text", kinds["text/plain"]) for _, kinds in data if kinds)


def _fenced(language: str, text: str) -> str:
    """Text between fences that it does not hold itself."""
    fence = "```"
    while fence in text:
        fence += "`"
    kept = text.strip("\n").rstrip()
    return f"{fence}{language}\n{kept}\n{fence}"
