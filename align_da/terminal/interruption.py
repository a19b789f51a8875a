"""Ctrl-C: the first ends a command in order, a second at once; then it is told how to go on.

Python hears a signal when the call that computes has returned, which takes a minute where a
program is compiled. A thread hears it meanwhile, says that it was heard, and ends the process if
it comes again: whatever is kept survives that at any instant.
"""

import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import typer
from rich.console import Console

_INTERRUPTED = 128 + signal.SIGINT


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a command be ended by signals as the module says; must be entered in the main thread.

    It ends with a SystemExit of code 130 or 143. Ctrl-C is heard until the process has ended.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    heard, told = socket.socketpair()
    told.settimeout(0)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    Thread(target=_listen, args=(heard, told), daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:  # before the command has begun
        _tell_how_to_go_on()
        sys.exit(_INTERRUPTED)
    except SystemExit as ended:
        if ended.code in {_INTERRUPTED, 128 + signal.SIGTERM}:
            _tell_how_to_go_on()
        raise


def _listen(heard: socket.socket, _told: socket.socket) -> None:
    """Tell of the first Ctrl-C, and end the process at the second; keeps both sockets open."""
    times = 0
    while received := heard.recv(1):
        times += received == bytes([signal.SIGINT])
        if times == 1:
            typer.echo("align-da: stopping; Ctrl-C again to stop at once", err=True)
        elif times > 1:
            _tell_how_to_go_on()
            sys.stderr.flush()
            os._exit(_INTERRUPTED)


def _tell_how_to_go_on() -> None:
    """Restore the terminal, and say which command goes on."""
    for console in (Console(), Console(stderr=True)):
        if console.is_terminal:
            console.show_cursor()
    command = shlex.join(["align-da", *sys.argv[1:]])
    typer.echo(f"align-da: stopped; what was kept is kept, and this goes on: {command}", err=True)
