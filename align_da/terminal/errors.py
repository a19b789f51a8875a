"""How an error ends a command: errors raised on purpose become one line and an exit code."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from align_da.errors import AlignDAError, StorageError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Let errors raised on purpose, and full disks, end the process with a line and a code.

    It ends with a SystemExit; any other error is raised as it is, and Python ends with code 1.
    """
    try:
        yield
    except AlignDAError as error:
        typer.echo(f"align-da: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        place = error.filename or "the output, or a file below TMPDIR"
        typer.echo(f"align-da: {place}: {error.strerror}: free some space", err=True)
        sys.stdout = sys.stderr  # what has not been written would fail once more at the end
        sys.exit(StorageError.exit_code)
