"""Guidance by the name that the configuration gives it."""

from collections.abc import Callable

from align_da.config import GuidanceConfig
from align_da.guidance.contract import Guidance
from align_da.guidance.dps import dps_guidance
from align_da.guidance.jfps import jfps_guidance
from align_da.guidance.mmps import mmps_guidance
from align_da.guidance.none import none_guidance
from align_da.guidance.repaint import repaint_guidance
from align_da.guidance.sda import sda_guidance


def build_guidance(config: GuidanceConfig) -> Guidance:
    """The guidance of `config`: its strength is ζ of DPS, γ of SDA, the covariance of the rest."""
    return _GUIDANCES[config.method](config)


_GUIDANCES: dict[str, Callable[[GuidanceConfig], Guidance]] = {
    "none": lambda _: none_guidance,
    "dps": lambda config: dps_guidance(config.strength),
    "sda": lambda config: sda_guidance(config.strength),
    "mmps": lambda config: mmps_guidance(config.strength, config.iterations),
    "jfps": lambda config: jfps_guidance(config.strength, config.iterations),
    "repaint": lambda config: repaint_guidance(config.repetitions),
}
