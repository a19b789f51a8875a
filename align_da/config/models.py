"""Forecast models that come as files."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.key import FoundBy
from align_da.config.section import LARGEST, Positive, PositiveFloat, Section

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OnnxConfig(Section):
    """A graph in ONNX format; paths are those of files on this machine, and of every worker."""

    path: Annotated[str, FoundBy("graph", "model", "checkpoint", "file")] = Field(
        description="File of the graph."
    )
    kind: Annotated[Literal["fengwu", "pangu", "frame"], FoundBy("family")] = Field(
        default="fengwu",
        description='What the graph takes. "fengwu" are two frames of 69 channels six hours '
        'apart, "pangu" is one in two arrays, "frame" one of 69 channels, or of those that '
        "`variables` and `levels` name.",
    )
    step_hours: Annotated[Literal[6, 24], FoundBy("dt", "time step")] = Field(
        default=6, description="Hours that one call of the graph goes ahead."
    )
    order: Annotated[Literal["fengwu", "lda"], FoundBy("channel order")] = Field(
        default="fengwu",
        description='Order of the 69 channels. "fengwu" has u10, v10, t2m, msl first, "lda" msl, '
        "u10, v10, t2m.",
    )
    variables: Annotated[tuple[str, ...], FoundBy("channels")] = Field(
        default=(),
        description='Variables of a "frame" with channels of its own, in the order of the graph. '
        "None are the 69 channels.",
    )
    levels: Annotated[tuple[PositiveFloat, ...], FoundBy("pressure levels")] = Field(
        default=(),
        description="Pressure levels of these variables, Pa, in the order of the graph.",
    )
    rows: Annotated[Literal["poles", "bands"], FoundBy("latitudes")] = Field(
        default="poles",
        description="Where the latitudes of the graph lie: from pole to pole, or in the middle of "
        'equal bands. The 721 of FengWu and Pangu-Weather are "poles", those of WeatherBench '
        '"bands".',
    )
    mean: Annotated[str | None, FoundBy("normalization")] = Field(
        default=None,
        description="npy file with the mean of every channel, SI units, in the order of the "
        "graph. Without `mean` and `std` the graph normalises by itself.",
    )
    std: Annotated[str | None, FoundBy("normalization")] = Field(
        default=None,
        description="npy file with the standard deviation of every channel, as `mean`.",
    )
    provider: Annotated[Literal["cpu", "cuda"], FoundBy("gpu", "device")] = Field(
        default="cpu", description="What computes the graph; nothing else takes its place."
    )
    threads: Annotated[Positive, FoundBy("cores", "workers")] = Field(
        default=1,
        description="Threads of an operation of the graph. Their number may change the last bits.",
    )
    sha256: Annotated[Sha256 | None, FoundBy("digest", "checksum", "hash")] = Field(
        default=None,
        description="SHA-256 of the graph, 64 hexadecimal digits. Where it is given every process "
        "that loads the graph checks it.",
    )

    @property
    def files(self) -> dict[str, str | None]:
        """Every file that defines the forecasts, by its key."""
        return {"onnx.path": self.path, "onnx.mean": self.mean, "onnx.std": self.std}

    @model_validator(mode="after")
    def _as_its_kind(self) -> "OnnxConfig":
        wrong = {
            "onnx.mean and onnx.std belong together: give both files or none": (
                (self.mean is None) != (self.std is None)
            ),
            "onnx.kind = 'fengwu' wants normalised input: give its files onnx.mean and onnx.std": (
                self.kind == "fengwu" and self.mean is None
            ),
            "onnx.kind = 'fengwu' has a step of 6 hours: set onnx.step_hours = 6": (
                self.kind == "fengwu" and self.step_hours != 6
            ),
            "onnx.kind = 'pangu' normalises by itself: remove onnx.mean and onnx.std": (
                self.kind == "pangu" and self.mean is not None
            ),
            "only onnx.kind = 'frame' has channels to name: remove onnx.variables, onnx.levels": (
                self.kind != "frame" and bool(self.variables or self.levels)
            ),
            "only 'fengwu' and 'frame' with their own channels have an order: remove onnx.order": (
                self.order != "fengwu" and (self.kind == "pangu" or bool(self.variables))
            ),
            "onnx.variables needs onnx.levels, in Pa and in the order of the graph": (
                bool(self.variables) != bool(self.levels)
            ),
        }
        for message, applies in wrong.items():
            if applies:
                raise ValueError(message)
        return self


class NeuralGcmConfig(Section):
    """A checkpoint of NeuralGCM, and what it sees of the sea."""

    path: Annotated[str, FoundBy("model", "checkpoint", "file")] = Field(
        description="File of a published checkpoint, of which nothing is run."
    )
    forcings: Annotated[str, FoundBy("sst", "sea surface temperature", "boundary")] = Field(
        description="netCDF-4 file on the grid of the model with the sea surface and the ice by "
        "time, without gaps."
    )
    seed: Annotated[int, Field(ge=0, le=LARGEST)] | None = Field(
        default=None, description="Random seed of a stochastic model, which needs one."
    )
    sha256: Annotated[Sha256 | None, FoundBy("digest", "checksum", "hash")] = Field(
        default=None,
        description="SHA-256 of the checkpoint, 64 hexadecimal digits. Where it is given every "
        "process that loads it checks it.",
    )

    @property
    def files(self) -> dict[str, str | None]:
        """Every file that defines the forecasts, by its key."""
        return {"neuralgcm.path": self.path, "neuralgcm.forcings": self.forcings}
