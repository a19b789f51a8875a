"""A NeuralGCM from the files that the configuration names.

A published checkpoint is a pickle, and it is read without running anything in it (see
`plain_pickle`): parameters and static fields are arrays, the configuration is a text. That text is
gin, which may import modules by name; one that does is refused. What gin builds are the classes of
the package itself.
"""

import io
from typing import Any

import jax
import xarray as xr

from align_da.errors import ConfigError, InputError
from align_da.forecast.named_file import Read, named_content
from align_da.forecast.neuralgcm import NeuralGcmForecastModel
from align_da.forecast.plain_pickle import plain_values

_KEYS = {"model_config_str": str, "aux_ds_dict": dict, "params": dict}
_IMPORTS = ("import ", "from ", "include ")  # statements of gin


def neuralgcm_from_files(
    path: str, forcings: str, read: Read, seed: int | None = None, sha256: str | None = None
) -> NeuralGcmForecastModel:
    """The model of a checkpoint with its forcings.

    Args:
        path: of the checkpoint.
        forcings: path of a netCDF-4 file with the sea surface and the ice by time.
        read: gives the content of a file.
        seed: of a stochastic model.
        sha256: digest of the checkpoint, if that is known.

    Raises:
        ConfigError: the package is not installed.
        StorageError: a file cannot be read, or the checkpoint is not the one that was named.
        InputError: a file is not what it should be.
    """
    neuralgcm = _package()
    content = named_content(read, "neuralgcm", path, sha256)
    what = f"neuralgcm.path = {path!r}"
    checkpoint = checkpoint_values(content, what)
    surface = _forcings(read(forcings), f"neuralgcm.forcings = {forcings!r}")
    try:
        model = neuralgcm.PressureLevelModel.from_checkpoint(checkpoint)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"{what}: the package neuralgcm makes no model of it ({error}): another version?"
        raise InputError(message) from error
    key = None if seed is None else jax.random.key(seed)
    found = NeuralGcmForecastModel(model, surface, key)
    try:
        model.forcings_from_xarray(surface.isel(time=[0]))
    except ValueError as error:  # latitudes or longitudes are others
        message = f"neuralgcm.forcings = {forcings!r}: {error}"
        raise InputError(message) from error
    return found


def checkpoint_values(content: bytes, what: str) -> dict[str, Any]:
    """What `PressureLevelModel.from_checkpoint` takes.

    Raises:
        InputError: it is no checkpoint, or its configuration imports something.
    """
    values = plain_values(content, what)
    found = values if isinstance(values, dict) else {}
    wrong = [name for name, kind in _KEYS.items() if not isinstance(found.get(name), kind)]
    if wrong:
        message = f"{what}: expected a checkpoint of NeuralGCM with {', '.join(_KEYS)}; wrong or "
        message += f"missing: {', '.join(wrong)}"
        raise InputError(message)
    lines = [line.strip() for line in found["model_config_str"].splitlines()]
    imports = [line for line in lines if line.startswith(_IMPORTS)]
    if imports:
        message = f"{what}: its configuration wants {imports[0]!r}, which could run anything"
        raise InputError(message)
    return found


def _forcings(content: bytes, what: str) -> xr.Dataset:
    """The dataset in a netCDF-4 file.

    Raises:
        InputError: it is none.
    """
    try:
        with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as dataset:
            return dataset.load()
    except (ValueError, OSError, KeyError) as error:
        message = f"{what}: expected a netCDF-4 file ({error})"
        raise InputError(message) from error


def _package() -> Any:  # noqa: ANN401 (it has no types)
    """The package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        # Only here, so that everything else works without it.
        import neuralgcm  # noqa: PLC0415
    except ImportError as error:
        message = f"world.model = 'neuralgcm' needs a package that is missing ({error.name}): "
        message += "pip install neuralgcm"
        raise ConfigError(message) from error
    return neuralgcm
