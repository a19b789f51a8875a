"""Forecast models that come as files."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from align_da.config.section import LARGEST, Positive, PositiveFloat, Section

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OnnxConfig(Section):
    """A graph in ONNX format; paths are those of files on this machine, and of every worker.

    Kinds: "fengwu" takes two frames of 69 channels six hours apart, "pangu" one in two arrays,
    "frame" one of 69 channels, or of those that `variables` and `levels` (Pa) name in their order.
    Orders of the 69 channels: "fengwu" has u10, v10, t2m, msl first, "lda" msl, u10, v10, t2m.
    `rows` says where the latitudes of the graph lie: from pole to pole, as the 721 of FengWu and
    Pangu-Weather, or in the middle of equal bands, as those of WeatherBench. `mean` and `std` are
    npy files with a number a channel, in the order of the graph. Where a digest (SHA-256) of the
    graph is given, every process that loads the graph checks it.
    """

    path: str
    kind: Literal["fengwu", "pangu", "frame"] = "fengwu"
    step_hours: Literal[6, 24] = 6
    order: Literal["fengwu", "lda"] = "fengwu"
    variables: tuple[str, ...] = ()
    levels: tuple[PositiveFloat, ...] = ()
    rows: Literal["poles", "bands"] = "poles"
    mean: str | None = None
    std: str | None = None
    provider: Literal["cpu", "cuda"] = "cpu"
    threads: Positive = 1
    sha256: Sha256 | None = None

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
    """A checkpoint of NeuralGCM, and what it sees of the sea.

    `path` is that of a published checkpoint, of which nothing is run; `forcings` a netCDF-4 file
    on the grid of the model with the sea surface and the ice by time, without gaps. A stochastic
    model needs a `seed`.
    """

    path: str
    forcings: str
    seed: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    sha256: Sha256 | None = None

    @property
    def files(self) -> dict[str, str | None]:
        """Every file that defines the forecasts, by its key."""
        return {"neuralgcm.path": self.path, "neuralgcm.forcings": self.forcings}
