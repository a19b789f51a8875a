"""Padding of fields on the sphere, so that convolutions know no border.

Longitude is periodic. A row beyond a pole is the row of the same distance on the near side,
shifted by half the circle: walking north over the pole one comes down the opposite meridian,
facing south. East and north have turned there, so that the components of a horizontal vector
change sign.

Rows are taken to lie between the poles (Gaussian or half-shifted grids): no row is on a pole
itself. One row alone is a line without poles; beside it lies the row itself.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from align_da.atmosphere import Layout
from align_da.errors import InputError


def pad_sphere(
    fields: Float[Array, "*batch lat lon channel"],
    width: int,
    sign: Float[Array, " channel"] | None = None,
) -> Float[Array, "*batch padded_lat padded_lon channel"]:
    """Extend fields by `width` rows beyond both poles and `width` columns to either side.

    Args:
        fields: values on the grid, any unit.
        width: rows and columns added on each side, at most the number of either.
        sign: factor of each channel across a pole: -1 for the components of a horizontal vector in
            physical units, 1 for scalars. None is 1 throughout: right for scalars, and the choice
            for latent channels, whose behaviour across the pole is not known.

    Returns:
        Shape (..., lat + 2 width, lon + 2 width, channel), same unit.

    Raises:
        InputError: the number of longitudes is odd (there is no opposite meridian), or the field
            is smaller than the padding.
    """
    lat, lon = fields.shape[-3:-1]
    if lon % 2 or width > min(lat, lon):
        message = (
            f"expected an even number of longitudes and at least {width} rows and columns, "
            f"got {lat} x {lon}: choose a smaller stride or fewer levels of resolution"
        )
        raise InputError(message)
    if width == 0:
        return fields
    opposite = fields if lat == 1 else jnp.roll(fields, lon // 2, axis=-2)
    if sign is not None:
        opposite = opposite * sign
    south = opposite[..., :width, :, :][..., ::-1, :, :]
    north = opposite[..., lat - width :, :, :][..., ::-1, :, :]
    rows = jnp.concatenate([south, fields, north], axis=-3)
    west, east = rows[..., lon - width :, :], rows[..., :width, :]
    return jnp.concatenate([west, rows, east], axis=-2)


def pole_signs(layout: Layout) -> tuple[float, ...]:
    """What each channel is multiplied by when it is carried across a pole.

    Standardised winds keep to it as far as their climatological mean is small beside their
    standard deviation: a mean does not change sign with the anomaly.

    Returns:
        -1 for eastward and northward winds, 1 for everything else, one number a channel.

    Raises:
        InputError: the grid is a limited area, where nothing is carried across.
    """
    layout.grid.check_closed("padding of the sphere")
    return tuple(
        -1.0 if channel.variable.standard_name in {"eastward_wind", "northward_wind"} else 1.0
        for channel in layout.channels
    )
