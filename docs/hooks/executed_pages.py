"""Scripts as pages: a Python file among the pages is executed, and shown with what it gave.

The files are notebooks in the percent format: cells begin with `# %%`, text with
`# %% [markdown]`, commands of a shell with `# %% language="bash" magic_args="-e"`. An error in a
cell ends the build. What was executed is kept in `build/notebooks` and used again while neither
the script nor the library nor the lock file of the documentation has changed. Each is executed in
a folder of its own, which is empty; one whose first cell says `after="other.py"` in that of
another, which stands before it in the alphabet.
"""

import hashlib
import logging
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from notebook_page import pictures, text_of

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "notebooks"
WORK = KEPT / "work"
AFTER = re.compile(r'\A# %% \[markdown\] after="(\w+\.py)"')
PACKAGES = ("align_da", "data_pipelines")
LIMIT = 1800  # seconds a cell, on a machine that is busy
NO_TERMINAL = "import os; [os.environ.pop(it, None) for it in ('FORCE_COLOR', 'CLICOLOR')]"
"""A kernel tells commands that they write to a terminal: bars of progress would move."""
log = logging.getLogger("mkdocs.hooks.executed_pages")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Execute every script, and add its page, its pictures and the notebook."""
    scripts = [file for file in files if file.src_uri.endswith(".py")]
    for script in sorted(scripts, key=lambda file: file.src_uri):
        name = script.src_uri.removesuffix(".py")
        notebook = executed(Path(str(script.abs_src_path)))
        made: dict[str, str | bytes] = {
            f"{name}.md": text_of(notebook, Path(name).name),
            f"{name}.ipynb": nbformat.writes(notebook),
            **{f"{name}_{place}.png": picture for place, picture in pictures(notebook)},
        }
        for uri, content in made.items():
            files.append(File.generated(config, uri, content=content))
    return files


def executed(script: Path) -> Any:  # noqa: ANN401 (a notebook of nbformat)
    """The notebook of a script, with the outputs of its cells."""
    kept = KEPT / f"{script.parent.name}-{script.stem}-{digest_of(script)}.ipynb"
    if kept.is_file():
        return nbformat.read(kept, as_version=4)
    log.info("Executing %s", script.relative_to(ROOT))
    notebook = jupytext.read(script)
    folder = working_folder(script)
    client = NotebookClient(
        notebook,
        timeout=LIMIT,
        startup_timeout=LIMIT,
        kernel_name="python3",
        extra_arguments=[f"--IPKernelApp.exec_lines={NO_TERMINAL}"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment())
    for older in KEPT.glob(f"{script.parent.name}-{script.stem}-*.ipynb"):
        older.unlink()
    nbformat.write(notebook, kept)
    return notebook


def first_of(script: Path) -> Path | None:
    """The script that has to be executed before this one."""
    after = AFTER.match(script.read_text(encoding="utf-8"))
    return script.parent / after[1] if after else None


def working_folder(script: Path) -> Path:
    """Where a script is executed: with what another has left there, or nothing."""
    first = first_of(script)
    folder = WORK / (first or script).parent.name / (first or script).stem
    if first is None and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environment() -> dict[str, str]:
    """Of the kernel: commands are those that are installed beside this Python."""
    commands = Path(sys.executable).parent
    return os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', '')}"}


def digest_of(script: Path) -> str:
    """Of the script, the one before it, and all that its outputs depend on."""
    first = first_of(script)
    scripts = (script,) if first is None else (first, script)
    library = (path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py")))
    digest = hashlib.sha256()
    for path in (*scripts, ROOT / "docs" / "requirements.lock", *library):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
