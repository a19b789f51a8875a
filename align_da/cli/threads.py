"""Threads of the libraries below, set so that the number of cores does not change bits."""

import os


def settle_threads() -> None:
    """Set what NumPy's LAPACK and XLA read when they are loaded; what the user has set stays.

    LAPACK works on many small matrices here: its threads wait for each other a hundred times
    longer than they compute, and their number would change bits. XLA multiplies matrices in
    another order where it has one thread than where it has several; with several, their number
    does not matter.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PJRT_NPROC", str(max(2, cores or 1)))
