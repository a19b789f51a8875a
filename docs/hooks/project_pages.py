"""Pages of the project, such as the READMEs of its folders, as pages of the documentation.

A link of a page may lead to any file of the project, as it does where the repository is read. What
is linked becomes a part of the documentation, below `project/`; so does what that links. Nothing
is copied by hand, and links are written anew only while the documentation is built.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = "docs/pages/"
MOUNT = "project/"
ELSEWHERE = {"align_da/config/README.md": "reference/configuration.md"}
"""What has a place of its own: by its path in the project."""
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)((?:#[^)\s]*)?)(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file of the project that a page links, and what that links in turn."""
    waiting = [file.src_uri for file in files.documentation_pages()]
    while waiting:
        page = waiting.pop()
        source = ROOT / source_of(page)
        for target in linked(source.read_text(encoding="utf-8"), source_of(page)):
            uri = place_of(target)
            if files.get_file_from_path(uri) is None:
                path = str(ROOT / target)
                level = InclusionLevel.NOT_IN_NAV
                files.append(File.generated(config, uri, abs_src_path=path, inclusion=level))
                waiting += [uri] if uri.endswith(".md") else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that hold in the repository, as they hold in the documentation."""
    del config, files
    uri = page.file.src_uri
    source, folder = source_of(uri), posixpath.dirname(uri) or "."

    def moved(link: re.Match[str]) -> str:
        target = resolved(link[1], source)
        if target is None:
            return link[0]
        return posixpath.relpath(place_of(target), folder) + link[2]

    return LINK.sub(moved, markdown)


def linked(text: str, source: str) -> Iterator[str]:
    """The files of the project that a page links, by their path in the project."""
    for link in LINK.finditer(text):
        target = resolved(link[1], source)
        if target is not None:
            yield target


def resolved(link: str, source: str) -> str | None:
    """The path in the project that a link of the page `source` leads to; None if to no file."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    inside = not target.startswith("../")
    return target if inside and (ROOT / target).is_file() else None


def place_of(path: str) -> str:
    """Where a file of the project stands in the documentation."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if path.startswith(PAGES):
        inner = path.removeprefix(PAGES)
        return f"{inner.removesuffix('.py')}.md" if inner.endswith(".py") else inner
    return MOUNT + path


def source_of(uri: str) -> str:
    """The file of the project that a page of the documentation is made of."""
    if uri.startswith(MOUNT):
        return uri.removeprefix(MOUNT)
    script = f"{PAGES}{uri.removesuffix('.md')}.py"
    return script if (ROOT / script).is_file() else PAGES + uri
