"""Rows 16 and 18 of the table of faults: schedulers elsewhere, and who may reach a cluster."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from time import monotonic, sleep

import dask
import psutil
import pytest
from distributed.utils import open_port

from align_da.errors import ConfigError, WorkerError
from align_da.parallel.cluster import LOOPBACK, client_of

Figure = Callable[[str], None]


def test_row_16_a_scheduler_elsewhere_is_lost(figure: Figure) -> None:
    port = open_port()
    serve = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    command = [*serve, "--host", LOOPBACK, "--port", str(port)]
    with (
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as scheduler,
        pytest.raises(WorkerError, match="the scheduler is lost"),
    ):
        kill_and_wait(scheduler, f"tcp://{LOOPBACK}:{port}", figure)


def kill_and_wait(scheduler: subprocess.Popen[bytes], address: str, figure: Figure) -> None:
    """Kill the scheduler at an address while something is asked for."""
    with client_of(address) as client:
        waiting, begin = client.submit(sleep, 600), monotonic()  # no worker is there to do it
        scheduler.kill()
        try:
            waiting.result()
        finally:
            passed = monotonic() - begin
            figure(f"a lost scheduler is told after {passed:.1f} s")
            assert passed < 15


def test_row_16_a_scheduler_that_is_not_there_is_told() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(WorkerError, match=f"no scheduler answers at tcp://{LOOPBACK}:1:"),
        client_of(f"tcp://{LOOPBACK}:1"),
    ):
        pass


@pytest.mark.parametrize("workers", [1, 2])
def test_row_18_a_cluster_listens_on_loopback_only_and_serves_no_page(
    workers: int, figure: Figure
) -> None:
    before = set(listening())
    with client_of(None, workers) as client:
        opened = set(listening()) - before
        asked = [client.cluster.scheduler.http_server.port]
        asked += client.run(lambda dask_worker: dask_worker.http_server.port).values()
        for port in asked:
            for page in ("status", "json/counts.json", "info/main/workers.html", "metrics"):
                with pytest.raises(urllib.error.HTTPError, match="404") as told:
                    urllib.request.urlopen(f"http://{LOOPBACK}:{port}/{page}", timeout=10)
                told.value.close()
    assert opened >= {(LOOPBACK, port) for port in asked}
    assert {host for host, _ in opened} == {LOOPBACK}
    assert len(asked) == 1 + workers
    figure(f"{workers} workers: {len(opened)} ports, all on {LOOPBACK}")


def listening() -> list[tuple[str, int]]:
    """Addresses that this process and its children listen at."""
    here = psutil.Process()
    return [
        (port.laddr.ip, port.laddr.port)
        for process in (here, *here.children(recursive=True))
        for port in process.net_connections("tcp")
        if port.status == psutil.CONN_LISTEN
    ]


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:8786", "192.0.2.1:8786", "ucx://host:1"])
def test_row_18_a_scheduler_on_another_host_must_speak_tls(address: str) -> None:
    with pytest.raises(ConfigError, match="expected a scheduler at tls://"), client_of(address):
        pass
