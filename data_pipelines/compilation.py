"""Compiled models kept between processes."""

from pathlib import Path

import jax


def use_compilation_cache(folder: Path) -> None:
    """Keep compiled programs in `folder`/jax_cache: a model takes half a minute to compile."""
    jax.config.update("jax_compilation_cache_dir", str(folder / "jax_cache"))
