"""Work in a process of its own that is left little memory."""

import resource
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path


def leave(size: int) -> None:
    """Allow this process so many bytes more than it has."""
    kilobytes = next(
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmData")
    )
    limit = 1024 * kilobytes + size
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def ends_well(
    children: ForkServerContext, work: Callable[..., None], folder: Path, *arguments: int
) -> None:
    """Do it in a child, which leaves nothing in the folder."""
    child = children.Process(target=work, args=(folder, *arguments))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert list(folder.iterdir()) == []
