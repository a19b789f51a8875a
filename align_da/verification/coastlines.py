"""Coastlines for maps, from the package itself (see the header of coastlines.csv)."""

from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
from jaxtyping import Float


@cache
def coastlines() -> tuple[Float[np.ndarray, "point 2"], ...]:
    """Every coastline as points of longitude in [-180, 180] and latitude, degrees."""
    source = resources.files("align_da.verification").joinpath("coastlines.csv")
    with source.open(encoding="utf-8") as stream:
        table = pd.read_csv(stream, comment="#")
    return tuple(group[["longitude", "latitude"]].to_numpy() for _, group in table.groupby("line"))
