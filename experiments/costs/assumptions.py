"""What 0.25 degrees on 64 hosts is taken to be. Change a number here and make the page anew."""

from dataclasses import dataclass

from align_da.config import Config, load_config
from experiments.costs.paper_size import CONFIG


@dataclass(frozen=True)
class Machines:
    """The hosts.

    Attributes:
        hosts: joined by a network.
        devices: of a host.
        device_memory: bytes; NVIDIA's data sheet of the H200.
        host_memory: bytes; our assumption, 2 TB is usual beside eight such cards.
        rate: operations a second that a device does in a product of matrices in half precision,
            measured (experiments/costs).
        share_encode: of that rate in encoding, decoding and training, measured there, of one state
            of 128 x 256.
        share_denoise: of that rate in denoising, likewise.
        paper_analysis: seconds of an analysis of that size, likewise.
        network: bytes a second of a device to other hosts; a 400 Gbit/s port each.
        file_system: bytes a second that all hosts read together; our assumption.
        disk: bytes a second that one host writes or reads; our assumption.
    """

    hosts: int = 64
    devices: int = 8
    device_memory: float = 141e9
    host_memory: float = 2e12
    rate: float = 607e12
    share_encode: float = 0.12
    share_denoise: float = 0.03
    paper_analysis: float = 0.87
    network: float = 50e9
    file_system: float = 100e9
    disk: float = 2e9

    @property
    def all_devices(self) -> int:
        """Devices of all hosts."""
        return self.hosts * self.devices


@dataclass(frozen=True)
class Target:
    """The states and what is done with them.

    Attributes:
        rows: 721 of ERA5 without the one at the north pole: the stride must divide them.
        columns: longitudes.
        channels: as at the size of the paper.
        years: of training, every six hours.
        leads: lead times of backgrounds.
        members: of an ensemble.
        observations: of a cycle of six hours, of the conventional network, and with satellites:
            orders of magnitude.
        candidates: of a case of the rewards.
    """

    rows: int = 720
    columns: int = 1440
    channels: int = 69
    years: int = 40
    leads: int = 3
    members: tuple[int, int] = (20, 50)
    observations: tuple[int, int] = (100_000, 1_000_000)
    candidates: int = 16

    @property
    def times(self) -> int:
        """States of the training period."""
        return round(self.years * 365.25 * 4)

    @property
    def state_bytes(self) -> int:
        """One state of float32."""
        return 4 * self.rows * self.columns * self.channels

    @property
    def config(self) -> Config:
        """Networks of the paper's size; a mode a wavenumber, as the correlation is counted apart.

        (The modes that `denoiser.correlation_modes` asks for are drawn when a prior is traced.)
        """
        return load_config(CONFIG, ["denoiser.correlation_modes=1"])


CORRELATION_MODES = load_config(CONFIG).denoiser.correlation_modes
CYCLES_A_YEAR = round(365.25 * 4)
