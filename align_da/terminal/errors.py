"""How an error ends a command: errors raised on purpose become one line and an exit code.

So does whatever a part of another package raises, which is named.
"""

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from align_da.errors import AlignDAError, ConfigError, StorageError
from align_da.terminal.failed_parts import failure_of_part
from align_da.terminal.messages import options_given

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Let errors raised on purpose, full disks and failed parts of packages end the process.

    It ends with a line and a SystemExit; any other error is raised as it is, and Python ends with
    code 1.
    """
    try:
        yield
    except AlignDAError as error:
        typer.echo(f"align-da: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            place = error.filename or "the output, or a file below TMPDIR"
            typer.echo(f"align-da: {place}: {error.strerror}: free some space", err=True)
            sys.stdout = sys.stderr  # what has not been written would fail once more at the end
            sys.exit(StorageError.exit_code)
        told = failure_of_part(error)
        if not told:
            raise
        if "--verbose" in options_given():
            traceback.print_exception(error)
        else:
            told += "; align-da -v shows where"
        typer.echo(f"align-da: {told}", err=True)
        sys.exit(ConfigError.exit_code)
