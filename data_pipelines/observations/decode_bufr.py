"""Decode the messages of a BUFR file: run as a program of its own, since eccodes can crash.

A message whose bytes are damaged can end the process that decodes it (a segmentation fault in
eccodes 2.42, found by changing bytes at random). So `data_pipelines.observations.bufr` runs this
file in a child process, whose memory is bounded. It takes a line "number start size" for every
message from the standard input and writes arrays in NumPy's npz format to the standard output:

- `subset`, `element`, `value`: the elements of all subsets in their order, numbers in `names`;
- `message`, `category`, `station_id` and `mended`, whether a byte of its name was no text, of
  every subset;
- `unused_name`, `unused_count`: values of elements that are not read;
- `failed_message`, `failed_reason`: messages that eccodes refuses.

"message N" on the standard error says which message comes next, "message end" that none does.
"""

import io
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import eccodes
import numpy as np

from data_pipelines.observations.bounded_memory import bound_memory

_READ = (
    *("blockNumber", "stationNumber"),
    *("year", "month", "day", "hour", "minute", "second", "latitude", "longitude"),
    *("heightOfStationGroundAboveMeanSeaLevel", "heightOfStation"),
    *("heightOfBarometerAboveMeanSeaLevel", "timeSignificance", "timePeriod"),
    *("pressure", "height", "flightLevel", "indicatedAircraftAltitude"),
    *("geopotential", "geopotentialHeight"),
    *("nonCoordinateGeopotential", "nonCoordinateGeopotentialHeight"),
    *("extendedVerticalSoundingSignificance", "verticalSoundingSignificance"),
    *("nonCoordinatePressure", "pressureReducedToMeanSeaLevel"),
    *("airTemperature", "airTemperatureAt2M", "dewpointTemperature", "dewpointTemperatureAt2M"),
    *("windDirection", "windDirectionAt10M", "windSpeed", "windSpeedAt10M"),
)
_NUMBER = {name: number for number, name in enumerate(_READ)}
_BEGIN = "subsetNumber"  # stands in front of a subset
_PERIOD = "timePeriod"
_SECONDS = {"004024": 3600.0, "004025": 60.0}  # of a period; the others are in seconds
_NAMES = (
    "shipOrMobileLandStationIdentifier",
    "aircraftFlightNumber",
    "aircraftRegistrationNumberOrOtherIdentification",
    "stationOrSiteName",
)
_WIGOS = ("wigosIdentifierSeries", "wigosIssuerOfIdentifier", "wigosIssueNumber")
_WIGOS_LOCAL = "wigosLocalIdentifierCharacter"
CATEGORIES = (0, 1, 2, 4)  # BUFR table A: surface (land, sea), sounding, aircraft
# Classes of table B that say what was measured, not where, when, with what or how well.
_MEASURED = {*(f"{number:02d}" for number in range(10, 25)), "40", "41", "42"}
_LARGEST = 1e30  # missing is -1e100
_MISSING = 2147483647


@dataclass
class _Found:
    """What the messages hold so far."""

    subsets: list[tuple[int, int, str, bool]] = field(default_factory=list)
    elements: list[np.ndarray] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)


def main(path: Path) -> None:
    """Decode the messages of the file and write what they hold."""
    content, found = path.read_bytes(), _Found()
    for line in sys.stdin:
        number, start, size = map(int, line.split())
        _tell(number)
        try:
            _decode(content[start : start + size], number, found)
        except eccodes.MemoryAllocationError as error:
            raise MemoryError(*error.args) from error
        except (eccodes.CodesInternalError, ValueError) as error:
            found.failures.append((number, " ".join(str(error).split())))
    _tell("end")
    output = io.BytesIO()
    np.savez(output, allow_pickle=False, **_columns(found))
    sys.stdout.buffer.write(output.getvalue())


def _tell(number: int | str) -> None:
    """Say which message comes next."""
    sys.stderr.write(f"message {number}\n")
    sys.stderr.flush()


def _columns(found: _Found) -> dict[str, Any]:
    """The arrays that are written."""
    subsets = list(zip(*found.subsets, strict=True)) or [()] * 4
    failures = list(zip(*found.failures, strict=True)) or [()] * 2
    subset, element, value = np.concatenate([np.zeros((3, 0)), *found.elements], axis=1)
    return {
        "names": np.asarray(_READ, np.str_),
        "subset": subset.astype(np.int64),
        "element": element.astype(np.int64),
        "value": value,
        "message": np.asarray(subsets[0], np.int64),
        "category": np.asarray(subsets[1], np.int64),
        "station_id": np.asarray(subsets[2], np.str_),
        "mended": np.asarray(subsets[3], np.bool_),
        "unused_name": np.asarray(list(found.unused), np.str_),
        "unused_count": np.asarray(list(found.unused.values()), np.int64),
        "failed_message": np.asarray(failures[0], np.int64),
        "failed_reason": np.asarray(failures[1], np.str_),
    }


def _decode(message: bytes, number: int, found: _Found) -> None:
    """Add what one message holds, as a whole or not at all."""
    handle = eccodes.codes_new_from_message(message)
    try:
        category = eccodes.codes_get(handle, "dataCategory")
        count = eccodes.codes_get(handle, "numberOfSubsets")
        stations, elements, unused = [("", False)] * count, np.zeros((3, 0)), Counter[str]()
        if category in CATEGORIES:
            eccodes.codes_set(handle, "unpack", 1)
            keys = _keys(handle)
            compressed = eccodes.codes_get(handle, "compressedData") and count > 1
            elements = _across(handle, keys, count) if compressed else _along(handle, keys)
            stations = [_text(names) for names in _stations(handle, keys, count)]
            unused = _unused(handle, keys, count if compressed else 1)
    finally:
        eccodes.codes_release(handle)
    elements[0] += len(found.subsets)
    found.elements.append(elements)
    found.subsets += [(number, category, *station) for station in stations]
    found.unused.update(unused)


def _keys(handle: int) -> list[str]:
    """Every element of the message in its order, as "#rank#name", and where subsets begin."""
    keys, iterator = [], eccodes.codes_bufr_keys_iterator_new(handle)
    try:
        while eccodes.codes_bufr_keys_iterator_next(iterator):
            key = eccodes.codes_bufr_keys_iterator_get_name(iterator)
            if key == _BEGIN or (key.startswith("#") and "->" not in key):
                keys.append(key)
    finally:
        eccodes.codes_bufr_keys_iterator_delete(iterator)
    return keys


def _along(handle: int, keys: list[str]) -> np.ndarray:
    """Subset, element and value where one subset follows another.

    Raises:
        ValueError: an element has not as many values as it has places.
    """
    places = Counter(_name(key) for key in keys)
    values = {name: _array(handle, name) for name in places if name in _NUMBER}
    for name, array in values.items():
        if array.size != places[name]:
            message = f"expected {places[name]} values of {name}, got {array.size}"
            raise ValueError(message)
    following = {name: iter(array) for name, array in values.items()}
    found, subset = [], -1
    for key in keys:
        if key == _BEGIN:
            subset += 1
        elif (name := _name(key)) in following:
            value = next(following[name]) * _unit(handle, key)
            found.append((subset, _NUMBER[name], value))
    return np.asarray(found, np.float64).reshape(-1, 3).T.copy()


def _across(handle: int, keys: list[str], count: int) -> np.ndarray:
    """Subset, element and value where an element has its values of all subsets (compressed)."""
    read = [key for key in keys if _name(key) in _NUMBER]
    found = np.zeros((3, count, len(read)))
    found[0] = np.arange(count)[:, None]
    for place, key in enumerate(read):
        found[1, :, place] = _NUMBER[_name(key)]
        found[2, :, place] = _array(handle, key) * _unit(handle, key)
    return found.reshape(3, -1)


def _name(key: str) -> str:
    """The element of "#rank#name"."""
    return key.rpartition("#")[2]


def _unit(handle: int, key: str) -> float:
    """Seconds in the unit of a period; 1 for other elements."""
    if _name(key) != _PERIOD:
        return 1.0
    return _SECONDS.get(eccodes.codes_get_string(handle, f"{key}->code"), 1.0)


def _array(handle: int, key: str) -> np.ndarray:
    """Values of a key, NaN where missing."""
    found = eccodes.codes_get_double_array(handle, key)
    return np.where((np.abs(found) > _LARGEST) | (found == _MISSING), np.nan, found)


def _unused(handle: int, keys: list[str], count: int) -> Counter[str]:
    """Values of what was measured and is not read, by element; of all `count` subsets."""
    unused: Counter[str] = Counter()
    measured = {name for name in {_name(key) for key in keys} if _is_measured(handle, name)}
    for key in keys:
        if (name := _name(key)) in measured:
            values = _array(handle, key)  # one where it is the same in all of many subsets
            unused[name] += int(np.isfinite(values).sum()) * (count if values.size == 1 else 1)
    return +unused


def _is_measured(handle: int, name: str) -> bool:
    """Whether an element that is not read is a number that was measured."""
    if name in _NUMBER or name == _BEGIN:
        return False
    try:
        kind = eccodes.codes_get_string(handle, f"#1#{name}->code")[1:3]
    except eccodes.CodesInternalError:  # an operator, which has no code
        return False
    return kind in _MEASURED and eccodes.codes_get_native_type(handle, f"#1#{name}") is not str


def _stations(handle: int, keys: list[str], count: int) -> list[dict[str, str]]:
    """The names of every subset: of ships, flights, sites, and parts of WIGOS identifiers."""
    found: list[dict[str, str]] = [{} for _ in range(count)]
    subset = -1
    for key in keys:
        if key == _BEGIN:
            subset += 1
        elif _name(key) in (*_NAMES, *_WIGOS, _WIGOS_LOCAL):
            texts = _texts(handle, key)
            places = [subset] if len(texts) == 1 and subset >= 0 else range(count)
            for place, text in zip(places, texts * len(places), strict=False):
                found[place].setdefault(_name(key), text)
    return found


def _texts(handle: int, key: str) -> list[str]:
    """Values of a key as text, empty where missing."""
    if _name(key) in _WIGOS:
        return [f"{one:.0f}" if np.isfinite(one) else "" for one in _array(handle, key)]
    return [text.strip() for text in eccodes.codes_get_string_array(handle, key)]


def _text(names: dict[str, str]) -> tuple[str, bool]:
    """The first name that has letters, and whether bytes in it that are none became "?"."""
    parts = [names.get(part, "") for part in (*_WIGOS, _WIGOS_LOCAL)]
    wigos = "-".join(parts) if all(parts) else ""
    *own, site = (names.get(kind, "") for kind in _NAMES)
    for name in (*own, wigos, site):
        plain = "".join(one if one.isascii() and one.isprintable() else "?" for one in name)
        if plain.strip("? "):
            return plain, plain != name
    return "", False


if __name__ == "__main__":
    bound_memory(int(sys.argv[2]))
    main(Path(sys.argv[1]))
