"""Commands of `align-da` as a user gives them, for experiments that run them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def command_of(words: str, run: Path, config: Path, settings: Sequence[str] = ()) -> list[str]:
    """The command line of `align-da`, that of this environment.

    Args:
        words: command and its options, such as "cycle --name letkf".
        run: the run folder.
        config: the configuration.
        settings: what of it is changed, "section.key=value" each.
    """
    program = str(Path(sys.executable).with_name("align-da"))
    changed = [part for setting in settings for part in ("--set", setting)]
    return [program, *words.split(), "--run", str(run), "--config", str(config), *changed]


def align_da(words: str, run: Path, config: Path, settings: Sequence[str] = ()) -> None:
    """Run a command in a process of its own; where it fails, end with its exit code."""
    command = command_of(words, run, config, settings)
    print(f"=== align-da {words}", flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)
