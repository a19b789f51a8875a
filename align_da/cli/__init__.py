"""The command line: a thin shell that reads the configuration and calls one room after another."""

from align_da.cli.application import app, main

__all__ = ["app", "main"]
