"""Real states as the truth: where ERA5 lies and what of it is read."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from align_da.config.key import FoundBy
from align_da.config.section import Section

GridName = Literal["source", "64x32", "240x121", "128x256"]


def _distinct(values: tuple[object, ...]) -> tuple[object, ...]:
    """`values`, if there is at least one and none comes twice.

    Raises:
        ValueError: it is not so.
    """
    if not values or len(set(values)) < len(values):
        message = "expected at least one value and none of them twice"
        raise ValueError(message)
    return values


Level = Annotated[int, Field(gt=0, le=1100)]


class Era5Config(Section):
    """A store or files of ERA5, or of anything else with the names of WeatherBench 2.

    Neither the order of the levels nor that of the variables matters: channels are in the order of
    the variable table, top level first.
    """

    source: Annotated[str, FoundBy("path", "url", "file", "bucket")] = Field(
        description="Where the states are: a zarr store or GRIB files. A store is a path, or a "
        "URL of file, memory, gs or s3; files are a path or a pattern that ends in .grib, .grib1, "
        ".grib2, .grb or .grb2."
    )
    anonymous: Annotated[bool, FoundBy("credentials", "account", "token")] = Field(
        default=True, description="Whether a bucket is read without an account."
    )
    grid: Annotated[GridName, FoundBy("resolution", "regridding")] = Field(
        default="source",
        description="Grid that states are brought to: that of the source, two of WeatherBench 2, "
        'or that of the paper. The two are longitudes x latitudes, "128x256" is latitudes x '
        "longitudes.",
    )
    levels: Annotated[tuple[Level, ...], AfterValidator(_distinct), FoundBy("pressure levels")] = (
        Field(
            default=(
                *(50, 100, 150, 200, 250, 300, 400),
                *(500, 600, 700, 850, 925, 1000),
            ),
            description="Pressure levels that are read, hPa.",
        )
    )
    variables: Annotated[
        tuple[str, ...], AfterValidator(_distinct), FoundBy("channels", "parameters")
    ] = Field(
        default=(
            "geopotential",
            "specific_humidity",
            "u_component_of_wind",
            "v_component_of_wind",
            "temperature",
            "10m_u_component_of_wind",
            "10m_v_component_of_wind",
            "2m_temperature",
            "mean_sea_level_pressure",
        ),
        description="Variables that are read, by their names in WeatherBench 2.",
    )
