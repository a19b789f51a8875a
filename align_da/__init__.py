"""Align-DA: data assimilation with latent diffusion priors aligned by rewards.

What it offers is listed in `align_da.api`. It is loaded when the first name is asked for: the
command line tells mistakes before JAX is loaded.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from align_da.api import *  # noqa: F403

__version__ = version("align-da")
_API = f"{__name__}.api"


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever is offered)
    """A name of `align_da.api`."""
    if not name.startswith("_") and name in (api := import_module(_API)).__all__:
        return getattr(api, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return ["__version__", *import_module(_API).__all__]
