"""How this process computes: what decides the bits of a result and is no setting of the library.

The commands fix it (`align_da.environment`); a script of yours may compute otherwise, and then
goes on with no run and no training but its own.
"""

import os

_OPTIONS = (
    *("jax_enable_x64", "jax_numpy_dtype_promotion", "jax_default_matmul_precision"),
    *("jax_default_prng_impl", "jax_threefry_partitionable", "jax_random_seed_offset"),
    *("jax_disable_jit", "jax_disable_most_optimizations", "jax_optimization_level"),
    *("jax_exec_time_optimization_effort", "jax_memory_fitting_level"),
    *("jax_memory_fitting_effort", "jax_compiler_enable_remat_pass", "jax_softmax_custom_jvp"),
    *("jax_high_dynamic_range_gumbel", "jax_allow_f16_reductions"),
)
_DEVICES = "--xla_force_host_platform_device_count"
"""A flag that says where is computed: how many devices share the work may change."""


def arithmetic_of_this_process() -> dict[str, str]:
    """Options of JAX, flags of XLA and the kind of device, each by its name."""
    # Only here, so that manifests can be read without it.
    import jax  # noqa: PLC0415

    known = jax.config.values  # versions differ in what they have
    options = {name: str(known[name]) for name in _OPTIONS if name in known}
    flags = os.environ.get("XLA_FLAGS", "").split()
    told = " ".join(sorted(flag for flag in flags if not flag.startswith(_DEVICES)))
    return options | {"XLA_FLAGS": told, "device": jax.default_backend()}
