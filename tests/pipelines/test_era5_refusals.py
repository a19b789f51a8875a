"""What the reader of ERA5 refuses: before anything is written, with a message that names it.

The table in experiments/era5/README.md is this list; a test holds them together.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from era5_world import LEVELS, travelling_waves, write_store
from rich.progress import Progress

from align_da.atmosphere.dataset import state_from_dataset
from align_da.config import Era5Config, WorldConfig
from align_da.errors import AlignDAError, ConfigError, InputError, StorageError
from align_da.storage.run_folder import RunFolder
from data_pipelines.era5 import make_era5_truth
from data_pipelines.era5_source import open_era5
from data_pipelines.state_checks import check_states

README = Path(__file__).parents[2] / "experiments" / "era5" / "README.md"
WORLD = WorldConfig(
    truth="era5",
    start="2020-01-01T00:00",
    spin_up_days=0,
    train_days=1,
    validation_days=1,
    test_days=1,
)
Source = xr.Dataset
TIMES = 30  # a chunk, of which there are fewer then


@dataclass(frozen=True)
class Broken:
    """A source that is refused.

    Attributes:
        what: is wrong with it.
        error: that tells.
        message: part of what it says.
        change: makes the source from a good one.
    """

    what: str
    error: type[AlignDAError]
    message: str
    change: Callable[[Source], Source]


def field(name: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[[Source], Source]:
    """A change of one variable."""
    return lambda source: source.assign({name: change(source[name])})


def without_units(change: Callable[[xr.DataArray], xr.DataArray]) -> Callable[..., xr.DataArray]:
    return lambda array: change(array).drop_attrs()


def holed(time: int, value: float) -> Callable[[xr.DataArray], xr.DataArray]:
    """One wrong value in one state."""

    def change(array: xr.DataArray) -> xr.DataArray:
        found = array.copy(deep=True)
        found[(time, *(2 for _ in found.dims[1:]))] = value
        return found

    return change


def with_units(units: str) -> Callable[[xr.DataArray], xr.DataArray]:
    return lambda array: array.assign_attrs(units=units)


def without_leap_years(source: Source) -> Source:
    return source.assign_coords(
        time=xr.date_range(
            "2021-01-01", periods=source.sizes["time"], freq="6h", calendar="noleap"
        )
    )


def twice(name: str) -> Callable[[Source], Source]:
    """The last place of an axis once more."""
    return lambda source: xr.concat([source, source.isel({name: [-1]})], name, data_vars="minimal")


def around_once_more(source: Source) -> Source:
    again = source.isel(longitude=[0]).assign_coords(longitude=[360.0])
    return xr.concat([source, again], "longitude", data_vars="minimal")


def relabelled(name: str, values: object) -> Callable[[Source], Source]:
    return lambda source: source.assign_coords({name: values})


def at(**places: object) -> Callable[[Source], Source]:
    return lambda source: source.isel(places)


def values_at(**places: object) -> Callable[[Source], Source]:
    """The values in another order, the labels in the old one."""
    return lambda source: source.isel(places).assign_coords(
        {name: source[name] for name in places}
    )


BROKEN = (
    Broken(
        "a variable is missing",
        InputError,
        "lacks temperature",
        lambda s: s.drop_vars("temperature"),
    ),
    Broken(
        "no surface geopotential",
        InputError,
        "lacks geopotential_at_surface",
        lambda s: s.drop_vars("geopotential_at_surface"),
    ),
    Broken("a level is missing", InputError, "lacks the levels [500.0] hPa", at(level=[0, 2])),
    Broken(
        "sigma levels",
        InputError,
        "expected pressure levels, got sigma levels",
        relabelled("level", np.asarray(LEVELS) / 1000),
    ),
    Broken(
        "levels are not sorted", InputError, "level must be strictly monotone", at(level=[1, 0, 2])
    ),
    Broken(
        "a level comes twice",
        InputError,
        "level must be strictly monotone",
        relabelled("level", [300, 500, 500]),
    ),
    Broken(
        "levels in another order than the values",
        InputError,
        "levels in another order than the values",
        relabelled("level", list(LEVELS[::-1])),
    ),
    Broken(
        "the source begins later",
        InputError,
        "the source lacks 4 of them, first 2020-01-01T00",
        at(time=slice(4, None)),
    ),
    Broken("the source ends sooner", InputError, "it covers 2020-01-01T00", at(time=slice(0, -1))),
    Broken(
        "a time is missing",
        InputError,
        "the source lacks 1 of them, first 2020-01-01T12",
        at(time=[0, 1, *range(3, 92)]),
    ),
    Broken("12-hourly", InputError, "in steps of 12 h", at(time=slice(0, None, 2))),
    Broken(
        "times are not sorted",
        InputError,
        "times must be strictly increasing",
        at(time=slice(None, None, -1)),
    ),
    Broken("a time comes twice", InputError, "times must be strictly increasing", twice("time")),
    Broken(
        "a calendar without leap years",
        InputError,
        "other calendars (noleap, 360_day) are not supported",
        without_leap_years,
    ),
    Broken(
        "no axis of time",
        InputError,
        "expected dimensions latitude, level, longitude, time",
        lambda s: s.isel(time=0),
    ),
    Broken(
        "several members",
        InputError,
        "select one member",
        lambda s: s.expand_dims(number=[0, 1]),
    ),
    Broken(
        "axes of another name",
        InputError,
        "name the axes as WeatherBench 2 does",
        lambda s: s.rename(latitude="lat", longitude="lon"),
    ),
    Broken("a region: latitudes", InputError, "the source is a region", at(latitude=slice(0, 5))),
    Broken(
        "a region: longitudes",
        InputError,
        "equally spaced over the whole circle",
        at(longitude=slice(0, 9)),
    ),
    Broken(
        "a row is missing",
        InputError,
        "got none between latitudes",
        at(latitude=[0, 1, 2, 4, 5, 6, 7]),
    ),
    Broken(
        "a column is missing",
        InputError,
        "equally spaced over the whole circle",
        at(longitude=[0, 1, 2, *range(4, 16)]),
    ),
    Broken(
        "upside down under good labels",
        InputError,
        "the rows are upside down",
        values_at(latitude=slice(None, None, -1)),
    ),
    Broken(
        "mirrored under good labels",
        InputError,
        "the columns mirrored or shifted",
        values_at(longitude=slice(None, None, -1)),
    ),
    Broken(
        "winds of another place",
        InputError,
        "off geostrophic balance",
        field("v_component_of_wind", lambda a: a.roll(longitude=4)),
    ),
    Broken(
        "winds of the other sign",
        InputError,
        "off geostrophic balance",
        field("u_component_of_wind", lambda a: -a),
    ),
    Broken(
        "0 and 360 degrees east",
        InputError,
        "equally spaced over the whole circle",
        around_once_more,
    ),
    Broken(
        "a latitude is not known",
        InputError,
        "latitude must hold finite numbers",
        lambda s: s.assign_coords(latitude=np.where(s.latitude > 70, np.nan, s.latitude)),
    ),
    Broken(
        "NaN in the first state",
        InputError,
        "temperature: 1 values are not finite",
        field("temperature", holed(0, np.nan)),
    ),
    Broken(
        "infinite values in the last state",
        InputError,
        "2m_temperature: 1 values are not finite",
        field("2m_temperature", holed(-1, np.inf)),
    ),
    Broken(
        "an absurd value",
        InputError,
        "u_component_of_wind at level 2 = 1000.0",
        field("u_component_of_wind", holed(0, 1000.0)),
    ),
    Broken(
        "a field that was never written",
        InputError,
        "v_component_of_wind has the same value everywhere",
        field("v_component_of_wind", lambda a: a * 0),
    ),
    Broken(
        "another unit",
        InputError,
        "temperature: expected units of K, got 'degF'",
        field("temperature", with_units("degF")),
    ),
    Broken(
        "degrees Celsius that are not declared",
        InputError,
        "expected a finite value within (100.0, 350.0)",
        field("temperature", without_units(lambda a: a - 273.15)),
    ),
    Broken(
        "g/kg that are not declared",
        InputError,
        "expected a finite value within (-0.005, 0.06)",
        field("specific_humidity", without_units(lambda a: a * 1000)),
    ),
    Broken(
        "hPa that are not declared",
        InputError,
        "expected a finite value within (85000.0, 110000.0)",
        field("mean_sea_level_pressure", without_units(lambda a: a / 100)),
    ),
    Broken(
        "geopotential height that is not declared",
        InputError,
        "geopotential in another unit than m2 s-2",
        field("geopotential", without_units(lambda a: a / 9.80665)),
    ),
    Broken(
        "orography in metres",
        InputError,
        "geopotential_at_surface: geopotential: expected units of m2 s-2, got 'm'",
        field("geopotential_at_surface", with_units("m")),
    ),
    Broken(
        "text where numbers are due",
        InputError,
        "2m_temperature: expected numbers",
        field("2m_temperature", lambda a: a.astype("U8").drop_attrs()),
    ),
)
CONFIGURATIONS = (
    ("nothing is there", StorageError, "expected a zarr store at", "source=nowhere.zarr"),
    ("no GRIB files are there", StorageError, "expected GRIB files at", "source=nowhere/*.grib"),
    ("a folder that is no store", StorageError, "cannot be opened as a zarr store", "source=."),
    ("another kind of URL", ConfigError, "expected a path or a URL of", "source=http://a/b.zarr"),
    (
        "no package for the bucket",
        ConfigError,
        "pip install 'align-da[cloud]'",
        "source=gs://a/b.zarr",
    ),
    ("an unknown variable", ConfigError, "unknown variable 'cloudiness'", "variables=cloudiness"),
)


@pytest.fixture(scope="module")
def good() -> Source:
    return travelling_waves(23, rows=8, columns=16)


def refused(config: Era5Config, folder: Path, error: type[AlignDAError], message: str) -> None:
    """The truth is refused, and nothing is written."""
    with pytest.raises(error, match=re.escape(message)), Progress(disable=True) as bar:
        make_era5_truth(WORLD, config, folder, 1, bar)
    assert not folder.exists()


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.what)
def test_a_broken_source_is_refused_before_anything_is_written(
    case: Broken, good: Source, tmp_path: Path
) -> None:
    path = tmp_path / "source.zarr"
    case.change(good).to_zarr(path, zarr_format=2, consolidated=True)
    config = Era5Config(source=str(path), levels=LEVELS)
    refused(config, tmp_path / "run", case.error, case.message)


@pytest.mark.parametrize(("what", "error", "message", "setting"), CONFIGURATIONS)
def test_a_wrong_source_is_refused(
    what: str,
    error: type[AlignDAError],
    message: str,
    setting: str,
    good: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_store(good.isel(time=[0]), tmp_path / "good.zarr", 2)
    name, value = setting.split("=")
    settings = {"source": "good.zarr", name: (value,) if name == "variables" else value}
    refused(Era5Config(**settings), tmp_path / "run", error, message)


def test_a_good_source_is_not_refused(good: Source, tmp_path: Path) -> None:
    era5 = Era5Config(source=write_store(good, tmp_path / "s.zarr", times=TIMES), levels=LEVELS)
    with Progress(disable=True) as bar:
        make_era5_truth(WORLD, era5, tmp_path, 1, bar)
    assert RunFolder(tmp_path).truth.exists()


def test_what_is_wrong_within_the_source_ends_the_run_with_its_time(
    good: Source, tmp_path: Path
) -> None:
    """The states before it are kept, and with a source that is mended the run goes on."""
    path = tmp_path / "source.zarr"
    broken = good.assign(temperature=holed(50, np.nan)(good["temperature"]))
    era5 = Era5Config(source=write_store(broken, path, times=TIMES), levels=LEVELS)
    with (
        pytest.raises(InputError, match=r"2020-01-1.*temperature: 1 values are not finite"),
        Progress(disable=True) as bar,
    ):
        make_era5_truth(WORLD, era5, tmp_path / "run", 1, bar)
    store = RunFolder(tmp_path / "run").truth
    with xr.open_zarr(store, consolidated=False) as truth:
        assert truth["written"].sum() == 40
        assert np.isnan(truth["temperature"][50]).all()
    write_store(good, path, times=TIMES)
    with Progress(disable=True) as bar:
        make_era5_truth(WORLD, era5, tmp_path / "run", 1, bar)
    with xr.open_zarr(store, consolidated=False) as truth:
        assert truth["written"].sum() == 92


@pytest.mark.parametrize("hurt", ["shifted", "mirrored", "exchanged"])
def test_one_state_that_does_not_belong_to_its_series_is_told(
    hurt: str, good: Source, tmp_path: Path
) -> None:
    """Its fields are in balance with each other: only the state before it tells."""
    wrong = {
        "shifted": good.isel(time=50).roll(longitude=4),
        "mirrored": good.isel(time=50),
        "exchanged": good.isel(time=20),
    }[hurt]
    if hurt == "mirrored":
        wrong = wrong.isel(longitude=slice(None, None, -1), latitude=slice(None, None, -1))
    broken = good.copy(deep=True)
    for name in (name for name in broken.data_vars if "time" in broken[name].dims):
        broken[name][50] = wrong[name].to_numpy()
    era5 = Era5Config(source=write_store(broken, tmp_path / "s.zarr", times=TIMES), levels=LEVELS)
    with (
        pytest.raises(InputError, match=r"at 2020-01-13T12:00 has a correlation of"),
        Progress(disable=True) as bar,
    ):
        make_era5_truth(WORLD, era5, tmp_path / "run", 1, bar)


def test_surface_pressure_that_does_not_lie_over_the_mountains_is_told(good: Source) -> None:
    ground = good["geopotential_at_surface"]
    pressure = (1e5 * np.exp(-ground / 7.5e4)).expand_dims(time=good["time"][:1])
    source = good.isel(time=[0]).assign(surface_pressure=pressure.assign_attrs(units="Pa"))
    check_states(state_from_dataset(source), south_first(ground))
    with pytest.raises(InputError, match="surface pressure is correlated by"):
        check_states(state_from_dataset(source), south_first(ground.roll(longitude=8)))


def south_first(ground: xr.DataArray) -> np.ndarray:
    return ground.to_numpy()[::-1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["format 2", "format 3", "sharded"])
def test_a_chunk_that_is_missing_is_not_its_fill_value(
    kind: str, packed: bool, good: Source, tmp_path: Path
) -> None:
    path = tmp_path / "source.zarr"
    encoding: dict[str, object] = {"chunks": (1, 3, 4, 8), "_FillValue": None}
    if kind != "format 2":
        encoding["fill_value"] = 0
    if kind == "sharded":
        encoding["shards"] = (1, 3, 8, 16)
    values = good["specific_humidity"].copy(deep=True)
    if packed:
        packing = {"scale_factor": 1e-6, "add_offset": 0.01}
        values = ((values - 0.01) / 1e-6).astype(np.int16).assign_attrs(values.attrs | packing)
    values[:, :, 4:, 8:] = 0  # what is read of a chunk that is not there
    good.assign(specific_humidity=values).to_zarr(
        path,
        zarr_format=2 if kind == "format 2" else 3,
        consolidated=False,
        encoding={"specific_humidity": encoding},
    )
    config = Era5Config(source=str(path), levels=LEVELS)
    refused(config, tmp_path / "run", InputError, "a chunk of the source is missing")


def test_metadata_that_are_older_than_their_arrays_are_not_believed(
    good: Source, tmp_path: Path
) -> None:
    """Days that were appended without consolidating again are seen."""
    path = tmp_path / "source.zarr"
    write_store(good.isel(time=slice(0, 40)), path, 2)
    good.isel(time=slice(40, None)).drop_vars("geopotential_at_surface").to_zarr(
        path, append_dim="time", consolidated=False, zarr_format=2
    )
    with xr.open_zarr(path, consolidated=True) as old:
        assert old.sizes["time"] == 40
    era5 = Era5Config(source=str(path), levels=LEVELS)
    with Progress(disable=True) as bar:
        make_era5_truth(WORLD, era5, tmp_path / "run", 1, bar)
    with xr.open_zarr(RunFolder(tmp_path / "run").truth, consolidated=False) as truth:
        assert (truth["written"] == 1).all()


@pytest.mark.parametrize("name", ["a::b.zarr", "era5[2020].zarr", "a b?.zarr", "100%.zarr"])
def test_a_path_that_exists_is_a_path(name: str, good: Source, tmp_path: Path) -> None:
    path = tmp_path / name
    plain = write_store(good.isel(time=[0]), tmp_path / "plain.zarr")
    Path(plain).rename(path)
    times = good["time"].to_numpy()[:1]
    source = open_era5(Era5Config(source=str(path), levels=LEVELS), times)
    assert source.states(times).shape[0] == 1


def test_a_damaged_chunk_is_told(good: Source, tmp_path: Path) -> None:
    path = tmp_path / "source.zarr"
    write_store(good, path, times=TIMES)
    (path / "temperature" / ".".join("0000")).write_bytes(b"damaged")
    config = Era5Config(source=str(path), levels=LEVELS)
    refused(config, tmp_path / "run", InputError, "temperature: the values cannot be read")


def test_a_truth_of_another_source_is_not_replaced(good: Source, tmp_path: Path) -> None:
    path = write_store(good, tmp_path / "source.zarr", times=TIMES)
    copy = shutil.copytree(path, tmp_path / "copy.zarr")
    for source, ending in ((path, None), (copy, "belongs to another configuration")):
        era5 = Era5Config(source=str(source), levels=LEVELS)
        with Progress(disable=True) as bar:
            if ending is None:
                make_era5_truth(WORLD, era5, tmp_path, 1, bar)
                continue
            with pytest.raises(StorageError, match=ending):
                make_era5_truth(WORLD, era5, tmp_path, 1, bar)


def test_the_table_of_messages_is_this_list() -> None:
    text = README.read_text(encoding="utf-8")
    rows = [(case.what, case.error, case.message) for case in BROKEN]
    rows += [(what, error, message) for what, error, message, _ in CONFIGURATIONS]
    missing = [row for row in map(table_row, rows) if row not in text]
    assert not missing, "\n".join(missing)


def table_row(row: tuple[str, type[AlignDAError], str]) -> str:
    what, error, message = row
    return f"| {what} | `{error.__name__}` | {message} |"
