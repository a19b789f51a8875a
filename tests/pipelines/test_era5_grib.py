"""Real GRIB files as a source."""

# eccodes loaded before pyproj (which metpy loads) in one process ends it: pyproj comes first.
import pyproj  # noqa: F401, I001
import re
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from align_da.atmosphere.balance import geostrophic_imbalance, hydrostatic_residual
from align_da.atmosphere import State
from align_da.config import Era5Config
from align_da.errors import AlignDAError, InputError, StorageError
from data_pipelines.era5_source import Era5Source, open_era5
from data_pipelines.regridding import conservative_regridding, named_grid

eccodes = pytest.importorskip("eccodes")
DATA = Path(__file__).parents[1] / "data"
IFS = DATA / "ifs_pl_10deg.grib"
MEMBERS = DATA / "era5_eda_3deg.grib"
TIMES = np.arange("2024-06-03", "2024-06-05", np.timedelta64(12, "h"), "datetime64[ns]")
LEVELS = (300, 400, 500, 700, 850)
VARIABLES = ("geopotential", "temperature", "u_component_of_wind", "v_component_of_wind")


def messages(path: Path, **changes: object) -> bytes:
    """The messages of a file, with other values of some keys."""
    found = b""
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            for key, value in changes.items():
                eccodes.codes_set(handle, key, value)
            found += eccodes.codes_get_message(handle)
            eccodes.codes_release(handle)
    return found


def first_message(path: Path) -> bytes:
    """The first field of a file."""
    with path.open("rb") as file:
        handle = eccodes.codes_grib_new_from_file(file)
        found: bytes = eccodes.codes_get_message(handle)
        eccodes.codes_release(handle)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real file, and in another one a ground: its first field, said to be that."""
    path = tmp_path_factory.mktemp("grib")
    (path / "upper_air.grib").write_bytes(IFS.read_bytes())
    (path / "first.tmp").write_bytes(first_message(IFS))
    (path / "ground.grib").write_bytes(
        messages(path / "first.tmp", paramId=129, typeOfLevel="surface", level=0)
    )
    return path


def opened(source: Path | str, times: np.ndarray = TIMES) -> Era5Source:
    return open_era5(Era5Config(source=str(source), levels=LEVELS, variables=VARIABLES), times)


@pytest.fixture(scope="module")
def source(folder: Path) -> Era5Source:
    return opened(folder / "*.grib")


@pytest.fixture(scope="module")
def states(source: Era5Source) -> np.ndarray:
    """At all times, [time, lat, lon, channel]."""
    return source.states(TIMES)


def test_analyses_of_several_files_are_one_source(source: Era5Source, states: np.ndarray) -> None:
    assert source.layout.variables == (
        *("u_component_of_wind", "v_component_of_wind"),
        *("temperature", "geopotential"),
    )
    assert source.layout.grid.vertical.levels == tuple(100.0 * level for level in LEVELS)
    assert source.layout.grid.latitude[0] == -90
    assert states.shape == (4, 19, 36, 20)
    direct = xr.open_dataset(
        IFS,
        engine="cfgrib",
        backend_kwargs={"indexpath": "", "filter_by_keys": {"shortName": "t"}},
        decode_timedelta=True,
    )
    level = direct["t"].sel(isobaricInhPa=500).isel(step=0, latitude=slice(None, None, -1))
    channel = source.layout.channels_of("temperature").start + 2
    np.testing.assert_array_equal(states[..., channel], level)


def test_real_analyses_are_as_balanced_as_the_atmosphere(
    source: Era5Source, states: np.ndarray
) -> None:
    analyses = State(jnp.asarray(states), source.layout)
    sea = jnp.zeros(source.layout.grid.shape)
    residual = np.asarray(hydrostatic_residual(analyses, sea))
    imbalance = np.asarray(geostrophic_imbalance(analyses, sea))
    # Measured: 0.0017 to 0.0018, and 0.060 to 0.067 on this coarse grid.
    assert (residual < 0.01).all()
    assert (imbalance > 0.02).all()
    assert (imbalance < 0.15).all()


def test_regridding_keeps_the_area_mean_of_real_fields(
    source: Era5Source, states: np.ndarray
) -> None:
    values = states[:1]
    target = named_grid("64x32", source.layout.grid)
    found = conservative_regridding(source.layout.grid, target)(values)
    before = np.einsum("tyxc,yx->c", values.astype(float), source.layout.grid.area_weights)
    after = np.einsum("tyxc,yx->c", found.astype(float), target.area_weights)
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)


def test_an_index_file_beside_the_data_is_neither_read_nor_written(folder: Path) -> None:
    """Those of cfgrib are pickles."""
    before = set(folder.iterdir())
    opened(folder / "*.grib").states(TIMES[:1])
    assert set(folder.iterdir()) == before


def forecasts(folder: Path) -> Path:
    """What is left of the file without its analyses."""
    path = folder / "forecasts.grb"
    found = b""
    with IFS.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            if eccodes.codes_get(handle, "step") > 0:
                found += eccodes.codes_get_message(handle)
            eccodes.codes_release(handle)
    path.write_bytes(found)
    return path


def cut(folder: Path) -> Path:
    path = folder / "cut.grb"
    path.write_bytes(IFS.read_bytes()[:1000])
    return path


def no_grib(folder: Path) -> Path:
    path = folder / "text.grb"
    path.write_text("<html>404</html>")
    return path


def two_grids(folder: Path) -> Path:
    (folder / "two").mkdir()
    (folder / "two" / "ifs.grb").write_bytes(IFS.read_bytes())
    (folder / "two" / "era5.grb").write_bytes(MEMBERS.read_bytes())
    return folder / "two" / "*.grb"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda _: IFS, InputError, "lacks geopotential_at_surface"),
        (forecasts, InputError, "holds forecasts"),
        (cut, StorageError, "cut.grb"),
        (no_grib, StorageError, "text.grb"),
        (two_grids, InputError, "differ in levels or grid"),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_other_files_are_refused(
    make: Callable[[Path], Path], error: type[AlignDAError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        opened(make(tmp_path))


def test_several_members_are_refused(tmp_path: Path) -> None:
    (tmp_path / "members.grib").write_bytes(MEMBERS.read_bytes())
    (tmp_path / "first.tmp").write_bytes(first_message(MEMBERS))
    ground = messages(tmp_path / "first.tmp", paramId=129, typeOfLevel="surface", level=0)
    (tmp_path / "ground.grib").write_bytes(ground)
    config = Era5Config(
        source=str(tmp_path / "*.grib"),
        levels=(500, 850),
        variables=("geopotential", "temperature"),
    )
    with pytest.raises(InputError, match="select one member"):
        open_era5(config, np.asarray(["2017-01-01"], "datetime64[ns]"))


def with_ground(folder: Path, upper_air: bytes) -> Path:
    """A folder of a ground and of what is given."""
    (folder / "upper_air.grib").write_bytes(upper_air)
    (folder / "first.tmp").write_bytes(first_message(IFS))
    ground = messages(folder / "first.tmp", paramId=129, typeOfLevel="surface", level=0)
    (folder / "ground.grib").write_bytes(ground)
    return folder


def scanned(first: str, last: str, flag: str) -> bytes:
    """The file with every message scanned the other way along one axis, or along columns."""
    found = b""
    with IFS.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            values = eccodes.codes_get_values(handle).reshape(19, 36)
            ends = [eccodes.codes_get(handle, key) for key in (first, last)]
            for key, value in zip((last, first), ends, strict=True):
                eccodes.codes_set(handle, key, value)
            eccodes.codes_set(handle, flag, 1)
            turned = {"iScansNegatively": values[:, ::-1], "jScansPositively": values[::-1]}
            turned["jPointsAreConsecutive"] = values.T
            eccodes.codes_set_values(handle, np.ascontiguousarray(turned[flag]).ravel())
            found += eccodes.codes_get_message(handle)
            eccodes.codes_release(handle)
    return found


@pytest.mark.parametrize(
    ("axis", "flag"), [("longitude", "iScansNegatively"), ("latitude", "jScansPositively")]
)
def test_the_direction_of_scanning_changes_no_state(
    axis: str, flag: str, states: np.ndarray, tmp_path: Path
) -> None:
    ends = (f"{axis}OfFirstGridPoint", f"{axis}OfLastGridPoint")
    turned = opened(with_ground(tmp_path, scanned(*ends, flag)) / "*.grib")
    np.testing.assert_allclose(turned.states(TIMES), states, rtol=1e-3, atol=1.0)


def column_wise(folder: Path) -> bytes:
    return scanned("level", "level", "jPointsAreConsecutive")


def one_message_upside_down(folder: Path) -> bytes:
    south_first = scanned(
        "latitudeOfFirstGridPoint", "latitudeOfLastGridPoint", "jScansPositively"
    )
    (folder / "south.tmp").write_bytes(south_first)
    first = first_message(folder / "south.tmp")
    return first + IFS.read_bytes()[len(first_message(IFS)) :]


def preliminary_beside_final(folder: Path) -> bytes:
    """As ERA5T beside ERA5: the same place, other values."""
    handle = eccodes.codes_new_from_message(first_message(IFS))
    eccodes.codes_set(handle, "experimentVersionNumber", "0005")
    eccodes.codes_set_values(handle, eccodes.codes_get_values(handle) + 1.0)
    warmer: bytes = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return IFS.read_bytes() + warmer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (column_wise, "run along meridians (jPointsAreConsecutive)"),
        (one_message_upside_down, "different grids or directions of scanning"),
        (preliminary_beside_final, "stands twice with other values"),
    ],
)
def test_messages_that_cannot_be_right_together_are_refused(
    make: Callable[[Path], bytes], message: str, tmp_path: Path
) -> None:
    with_ground(tmp_path, make(tmp_path))
    with pytest.raises(InputError, match=re.escape(message)):
        opened(tmp_path / "*.grib")


def test_an_exact_copy_of_a_message_does_no_harm(states: np.ndarray, tmp_path: Path) -> None:
    with_ground(tmp_path, IFS.read_bytes() + IFS.read_bytes())
    found = opened(tmp_path / "*.grib").states(TIMES)
    np.testing.assert_array_equal(found, states)


def test_brackets_in_the_name_of_a_file_that_exists_are_no_pattern(tmp_path: Path) -> None:
    both = with_ground(tmp_path, IFS.read_bytes())
    source = tmp_path / "era5[1].grib"
    source.write_bytes(b"".join(path.read_bytes() for path in sorted(both.glob("*.grib"))))
    assert opened(source).states(TIMES).shape == (4, 19, 36, 20)


def test_times_that_the_files_lack_are_named(folder: Path) -> None:
    late = TIMES + np.timedelta64(24, "h")
    with pytest.raises(
        InputError, match=r"lacks 2 of them, first 2024-06-05T00:00.*steps of 12 h"
    ):
        opened(folder / "*.grib", late)
