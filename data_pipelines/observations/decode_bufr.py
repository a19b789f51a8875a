"""Decode the messages of a BUFR file: run as a program of its own, since eccodes can crash.

A message whose bytes are damaged can end the process that decodes it (a segmentation fault in
eccodes 2.42, found by changing bytes at random). So `data_pipelines.observations.bufr` runs this
file in a child process. It imports nothing of Align-DA and writes one array a column, a row a
level, in NumPy's npz format to the standard output; "message N" on the standard error says which
message comes next.
"""

import io
import sys
from pathlib import Path

import eccodes
import numpy as np

_NUMBERS = {  # of a report: the first key that has a value
    "year": ("year",),
    "month": ("month",),
    "day": ("day",),
    "hour": ("hour",),
    "minute": ("minute",),
    "second": ("second",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "elevation": ("heightOfStationGroundAboveMeanSeaLevel", "heightOfStation"),
    "mean_sea_level_pressure": ("pressureReducedToMeanSeaLevel",),
    "height": ("height", "flightLevel"),
}
_ON_LEVELS = {  # of a sounding: an array with an entry a level
    "pressure": ("pressure",),
    "geopotential": ("nonCoordinateGeopotential",),
    "geopotential_height": ("nonCoordinateGeopotentialHeight",),
    "significance": ("extendedVerticalSoundingSignificance", "verticalSoundingSignificance"),
    "temperature": ("airTemperature",),
    "dewpoint": ("dewpointTemperature",),
    "wind_direction": ("windDirection",),
    "wind_speed": ("windSpeed",),
}
_AT_ONE_PLACE = {
    "pressure": ("nonCoordinatePressure", "pressure"),
    "temperature": ("airTemperatureAt2M", "airTemperature"),
    "dewpoint": ("dewpointTemperatureAt2M", "dewpointTemperature"),
    "wind_direction": ("windDirectionAt10M", "windDirection"),
    "wind_speed": ("windSpeedAt10M", "windSpeed"),
}
_NAMES = (
    "shipOrMobileLandStationIdentifier",
    "aircraftFlightNumber",
    "aircraftRegistrationNumberOrOtherIdentification",
    "stationOrSiteName",
)
SOUNDING, AIRCRAFT = 2, 4
CATEGORIES = (0, 1, SOUNDING, AIRCRAFT)  # BUFR table A: surface (land, sea), sounding, aircraft
NOTHING = -1  # stands for the category of a message without anything that is read
_LARGEST = 1e30  # missing is -1e100


def messages_of(content: bytes) -> list[bytes]:
    """The messages in `content`, whose framing has been checked."""
    found, start = [], content.find(b"BUFR")
    while start >= 0:
        size = int.from_bytes(content[start + 4 : start + 7], "big")
        found.append(content[start : start + size])
        start = content.find(b"BUFR", start + size)
    return found


def main(path: Path) -> None:
    """Decode the file and write its columns."""
    parts: list[dict[str, np.ndarray]] = []
    for number, message in enumerate(messages_of(path.read_bytes()), 1):
        sys.stderr.write(f"message {number}\n")
        sys.stderr.flush()
        parts += _decoded(message, number)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **columns)
    sys.stdout.buffer.write(buffer.getvalue())


def _decoded(message: bytes, number: int) -> list[dict[str, np.ndarray]]:
    """The columns of every subset."""
    handle = eccodes.codes_new_from_message(message)
    try:
        category = eccodes.codes_get(handle, "dataCategory")
        if category not in CATEGORIES:
            return [_row(number, {}, "", {}, category)]
        eccodes.codes_set(handle, "unpack", 1)
        count = eccodes.codes_get(handle, "numberOfSubsets")
        if count == 1:
            return [_subset(handle, number, category)]
        return [_extracted(handle, index + 1, number, category) for index in range(count)]
    finally:
        eccodes.codes_release(handle)


def _extracted(handle: int, index: int, number: int, category: int) -> dict[str, np.ndarray]:
    """One of many subsets, as a message of its own."""
    alone = eccodes.codes_clone(handle)
    try:
        eccodes.codes_set(alone, "unpack", 1)
        eccodes.codes_set(alone, "extractSubset", index)
        eccodes.codes_set(alone, "doExtractSubsets", 1)
        single = eccodes.codes_new_from_message(eccodes.codes_get_message(alone))
    finally:
        eccodes.codes_release(alone)
    try:
        eccodes.codes_set(single, "unpack", 1)
        return _subset(single, number, category)
    finally:
        eccodes.codes_release(single)


def _subset(handle: int, number: int, category: int) -> dict[str, np.ndarray]:
    """The columns of a message with one subset."""
    once = {name: _array(handle, keys)[:1] for name, keys in _NUMBERS.items()}
    if category == SOUNDING:
        varying = {name: _array(handle, keys) for name, keys in _ON_LEVELS.items()}
        varying = _aligned(varying)
    else:
        varying = {name: _array(handle, keys)[:1] for name, keys in _AT_ONE_PLACE.items()}
    return _row(number, once, _station(handle), varying, category)


def _aligned(levels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of the levels; positions of wind shear, which follow them, are cut off.

    Raises:
        ValueError: other arrays differ in length.
    """
    count = max(levels["temperature"].size, levels["wind_speed"].size)
    for name in ("pressure", "significance"):
        levels[name] = levels[name][:count]
    wrong = {name: array.size for name, array in levels.items() if array.size not in {0, count}}
    if wrong:
        message = f"expected {count} values of every level, got {wrong}: an unknown template"
        raise ValueError(message)
    return levels


def _row(
    number: int,
    once: dict[str, np.ndarray],
    station: str,
    varying: dict[str, np.ndarray],
    category: int,
) -> dict[str, np.ndarray]:
    """Every column, with an entry a level."""
    count = max([array.size for array in varying.values()], default=0)
    if category in CATEGORIES and not count:
        category = NOTHING
    count = max(count, 1)
    names = dict.fromkeys((*_NUMBERS, *_ON_LEVELS))
    given = {**once, **varying}
    columns = {name: _filled(given.get(name, np.zeros(0)), count) for name in names}
    columns["message"] = np.full(count, number)
    columns["category"] = np.full(count, category)
    columns["station_id"] = np.full(count, station)
    return columns


def _filled(array: np.ndarray, count: int) -> np.ndarray:
    """`array` repeated `count` times if it has one entry; NaN if it has none."""
    return np.full(count, np.nan) if array.size == 0 else np.broadcast_to(array, count).copy()


def _array(handle: int, keys: tuple[str, ...]) -> np.ndarray:
    """Values of the first key that has any; empty if none."""
    found = np.zeros(0)
    for key in keys:
        if eccodes.codes_is_defined(handle, key):
            found = eccodes.codes_get_double_array(handle, key)
            found = np.where((np.abs(found) > _LARGEST) | (found == 2147483647), np.nan, found)
            if np.any(np.isfinite(found)):
                break
    return found


def _station(handle: int) -> str:
    """WMO number, or the name of a ship, flight or site; empty if none."""
    block, station = (_array(handle, (key,))[:1] for key in ("blockNumber", "stationNumber"))
    if block.size and station.size and np.isfinite(block[0] + station[0]):
        return f"{int(block[0]):02d}{int(station[0]):03d}"
    for key in _NAMES:
        if eccodes.codes_is_defined(handle, key):
            name = str(eccodes.codes_get_string(handle, f"#1#{key}")).strip()
            if name and name.isprintable():
                return name
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
