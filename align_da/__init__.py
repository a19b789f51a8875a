"""Align-DA: data assimilation with latent diffusion priors aligned by rewards.

What it offers is listed in `align_da.api`. It is loaded when the first name is asked for: the
command line tells mistakes before JAX is loaded.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from align_da.api import *  # noqa: F403

__version__ = version("align-da")


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever is offered)
    """A name of `align_da.api`."""
    if not name.startswith("_"):
        import align_da.api

        if name in align_da.api.__all__:
            return getattr(align_da.api, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    import align_da.api

    return ["__version__", *align_da.api.__all__]
