"""Children that can be killed, without the seconds that importing takes each time."""

import sys
from collections.abc import Callable
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # children find small_run by its name

import small_run
from forked_processes import fork_server
from hurt import folder_digest


@pytest.fixture(scope="session")
def children() -> ForkServerContext:
    """A server that has imported everything and forks a child for each run."""
    return fork_server()


@pytest.fixture
def start(children: ForkServerContext) -> Callable[..., ForkServerProcess]:
    """Start `small_run.main` with its arguments in a child."""

    def begin(*arguments: object, **options: object) -> ForkServerProcess:
        child = children.Process(target=small_run.main, args=arguments, kwargs=options)
        child.start()
        return child

    return begin


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a run that nothing has disturbed; never changed."""
    path = tmp_path_factory.mktemp("uninterrupted") / "run.zarr"
    assert small_run.run_small(path) == 0
    return path


@pytest.fixture(scope="session")
def expected_digest(uninterrupted: Path) -> str:
    """Digest of every file of the undisturbed run."""
    return folder_digest(uninterrupted.parent)


@pytest.fixture(scope="session")
def digest_after(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], str]:
    """Digest of every file of an undisturbed run of so many cycles."""

    @cache
    def digest(cycles: int) -> str:
        folder = tmp_path_factory.mktemp("undisturbed")
        experiment = small_run.small_experiment(cycles)
        assert small_run.run_small(folder / "run.zarr", experiment) == 0
        return folder_digest(folder)

    return digest
