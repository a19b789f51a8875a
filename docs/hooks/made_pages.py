"""What pages take from the code: commands, exit codes, parts, keys, names, fields of stores.

A page names what it wants in a comment, `<!-- made of: commands -->`; nothing is written twice.
"""

import re
from collections.abc import Callable

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from reference_of_commands import commands
from reference_of_names import names, rooms
from reference_of_parts import exit_codes, parts
from reference_of_stores import stores

from align_da.config.reference import page as configuration

MARK = re.compile(r"^<!-- made of: (\w+) -->$", re.MULTILINE)
MADE: dict[str, Callable[[], str]] = {
    "commands": commands,
    "configuration": lambda: configuration().partition("\n")[2],  # the page has its own title
    "exit_codes": exit_codes,
    "names": names,
    "parts": parts,
    "rooms": rooms,
    "stores": stores,
}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with everything that it wants."""
    del page, config, files
    return MARK.sub(lambda wanted: MADE[wanted[1]](), markdown)
