"""Compiled models kept between processes."""

from pathlib import Path

from jax.experimental.compilation_cache.compilation_cache import set_cache_dir


def use_compilation_cache(folder: Path) -> None:
    """Keep compiled programs in `folder`/jax_cache: a model takes half a minute to compile."""
    set_cache_dir(str(folder / "jax_cache"))
