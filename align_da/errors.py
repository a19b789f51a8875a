"""The errors that Align-DA raises on purpose, each with the exit code of the command line.

A message says what was expected, what came and what to do about it.
"""


class AlignDAError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class ConfigError(AlignDAError):
    """The configuration is unknown, incomplete or out of range."""

    exit_code = 2


class InputError(AlignDAError):
    """An input (state, observation, file) does not keep its contract."""

    exit_code = 3


class StorageError(AlignDAError):
    """A store or checkpoint could not be written, read or trusted."""

    exit_code = 4


class BadStateError(AlignDAError):
    """A computed state is not finite or not plausible."""

    exit_code = 5


class WorkerError(AlignDAError):
    """Workers or their scheduler are lost; what they have written is kept."""

    exit_code = 6
