"""What is told of processes that train together, before any of them waits for another."""

import pytest

from align_da.errors import ConfigError
from align_da.parallel.distributed_processes import Processes

ADDRESS = "node1:1234"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, None, 1), "--coordinator-address and --num-processes not given"),
        ((ADDRESS, 2, None), "--process-id not given"),
        ((None, 2, 0), "--coordinator-address not given"),
        ((ADDRESS, 2, 2), "below --num-processes, got 2 of 2"),
        (("node1", 2, 0), "HOST:PORT, got 'node1'"),
        ((":1234", 2, 0), "HOST:PORT"),
        (("node1:", 2, 0), "HOST:PORT"),
        (("node1:65536", 2, 0), "HOST:PORT"),
        (("node1:http", 2, 0), "HOST:PORT"),
    ],
)
def test_what_does_not_make_sense_is_told(
    given: tuple[str | None, int | None, int | None], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Processes(*given)


def test_a_scheduler_may_know_what_is_not_given() -> None:
    assert Processes(distributed=True).several
    assert Processes(ADDRESS, distributed=True).several
    assert Processes("[::1]:1234", 2, 1).several
    assert not Processes(tensor=4).several


def test_processes_of_one_machine_listen_to_it_only() -> None:
    assert Processes("127.0.0.1:1234", 2, 0).loopback_address == "127.0.0.1:1234"
    assert Processes(ADDRESS, 2, 0).loopback_address is None
    assert Processes(distributed=True).loopback_address is None


@pytest.mark.parametrize(
    "several", [Processes(ADDRESS, 2, 0), Processes(distributed=True), Processes(tensor=2)]
)
def test_what_one_process_does_takes_no_others(several: Processes) -> None:
    Processes().check_alone("the covariance")
    with pytest.raises(ConfigError, match="the covariance is done by one process"):
        several.check_alone("the covariance")
