"""A bound on what a process may still take: what a few bytes ask for need not end the others.

Where it is met a MemoryError is raised, or a library that knows of none ends the process. What is
bounded is memory that can be written (RLIMIT_DATA, setrlimit(2)), not addresses (RLIMIT_AS): of
those, allocators set 64 MiB and more aside for every thread, and use next to nothing.
"""

import resource
from pathlib import Path

_PAGES = Path("/proc/self/statm")  # the sixth number is that of data and stack, see proc(5)


def bound_memory(more: int) -> None:
    """Let this process take no more than `more` bytes beyond what it has now.

    A lower limit that it was started with stays. Systems other than Linux do not say what it has:
    there nothing is bounded.
    """
    if _PAGES.exists():
        has = int(_PAGES.read_text().split()[5]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limits = [has + more, *(one for one in (soft, hard) if one != resource.RLIM_INFINITY)]
        resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
