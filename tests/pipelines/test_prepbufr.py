"""PREPBUFR of an own writer, and the one real NCEP file with tables of its own that is at hand.

The writer's bytes were decoded alike by pybufrkit 0.2.25, which is too slow to read real files.
"""

import contextlib
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prepbufr_file import prepbufr_file

from align_da.errors import ConfigError, InputError
from data_pipelines.observations import child
from data_pipelines.observations.account import Account
from data_pipelines.observations.prepbufr import read_prepbufr
from data_pipelines.observations.read import format_of, read_files, read_observations

DATA = Path(__file__).parents[1] / "data" / "observations"


def header(station: str | None, kind: int, **changes: Any) -> dict[str, Any]:
    place = {"XOB": 255.12345, "YOB": 39.76712, "DHR": -0.5, "ELV": 1611}
    return {"SID": station, "TYP": kind, **place, **changes}


def level(category: int, pressure: float, mark: int = 2, **events: Any) -> dict[str, Any]:
    stacks = {
        f"{name[0].upper()}___INFO": {f"{name[0].upper()}__EVENT": stack}
        for name, stack in events.items()
        if name != "drift"
    }
    drift = {"DRFTINFO": events["drift"]} if "drift" in events else {}
    background = {"POE": 1.1}
    return {
        "CAT": category,
        **stacks,
        **drift,
        "P___INFO": {"P__EVENT": [{"POB": pressure, "PQM": mark}], "P__BACKG": background},
    }


MASS = header(
    "72469",
    120,
    PRSLEVEL=[
        level(
            0,
            838.4,
            # Made virtual by VIRTMP (8) after PREPRO (1), marked anew by the complex control (5).
            temperature=[
                {"TOB": 11.0, "TQM": 1, "TPC": 8},
                {"TOB": 10.2, "TQM": 2, "TPC": 1},
            ],
            q=[{"QOB": 5000, "QQM": 1, "QPC": 8}, {"QOB": 4990, "QQM": 2, "QPC": 1}],
            z=[{"ZOB": 1611, "ZQM": 2, "ZPC": 1}],
        ),
        level(
            1,
            500.0,
            temperature=[{"TOB": -12.3, "TQM": 9, "TPC": 5}, {"TOB": -12.3, "TQM": 2, "TPC": 1}],
            z=[{"ZOB": 5702, "ZQM": 3, "ZPC": 1}],
            drift={"XDR": 255.3, "YDR": 39.9, "HRDR": 0.25},
        ),
        level(2, 300.0, mark=8, temperature=[{"TOB": -40.0, "TQM": 2, "TPC": 1}]),
    ],
)  # fmt: skip
WIND = header(
    "72469", 220, PRSLEVEL=[level(1, 500.0, w=[{"UOB": 20.5, "VOB": -3.1, "WQM": 1, "WPC": 1}])]
)
AIRCRAFT = header(
    None, 231, XOB=10.0, YOB=50.0, DHR=3.0,
    PRSLEVEL=[level(6, 250.0, w=[{"UOB": 30.0, "VOB": 5.0, "WQM": 15, "WPC": 14}])],
)  # fmt: skip
BUOY = header("46042", 180, DHR=0.1, ELV=0, **level(0, 1013.2, mark=3))
STATION_WIND = header("KDEN", 281, **level(0, 840.0, w=[{"UOB": -3.2, "VOB": 4.1, "WQM": 2}]))
RETRIEVAL = header("SAT", 161, PRSLEVEL=[level(2, 700.0)])
MESSAGES = [
    ("ADPUPA", [MASS, WIND]),
    ("AIRCFT", [AIRCRAFT]),
    ("SFCSHP", [BUOY]),
    ("ADPSFC", [STATION_WIND]),
    ("SATEMP", [RETRIEVAL, RETRIEVAL]),
    ("ADPUPA", []),  # NCEP's files hold messages without reports
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("earth2bufr")
    path = tmp_path_factory.mktemp("prepbufr") / "gdas.t12z.prepbufr"
    path.write_bytes(prepbufr_file(MESSAGES))
    return path


@pytest.fixture(scope="module")
def reports(path: Path) -> pd.DataFrame:
    with pytest.warns(UserWarning, match=r"by category .*\{108: 2\}"):
        return read_observations([path])


def of(reports: pd.DataFrame, station: str, variable: str) -> pd.DataFrame:
    chosen = (reports["station_id"] == station) & (reports["variable"] == variable)
    return reports[chosen & (reports["flag"] != "missing")].sort_values("level", ascending=False)


def test_a_prepbufr_file_is_recognised(path: Path) -> None:
    assert format_of(path) == "prepbufr"


def test_units_and_the_last_event_are_those_of_the_reports(reports: pd.DataFrame) -> None:
    temperature = of(reports, "72469", "temperature")
    np.testing.assert_allclose(temperature["level"], [83840.0, 50000.0, 30000.0])
    np.testing.assert_allclose(temperature["value"], [283.35, 260.85, 233.15])
    np.testing.assert_allclose(of(reports, "72469", "specific_humidity")["value"], [0.005])
    heights = of(reports, "72469", "geopotential")["value"]
    np.testing.assert_allclose(heights, [1611 * 9.80665, 5702 * 9.80665])
    np.testing.assert_allclose(of(reports, "72469", "surface_pressure")["value"], [83840.0])
    assert of(reports, "72469", "u_component_of_wind")["value"].tolist() == [20.5]
    assert of(reports, "72469", "v_component_of_wind")["value"].tolist() == [-3.1]


def event(kelvin: float | None, mark: int | None, program: int) -> dict[str, Any]:
    return {"TOB": kelvin if kelvin is None else kelvin - 273.15, "TQM": mark, "TPC": program}


MADE_VIRTUAL, AS_SENT = event(300.95, 2, 8), event(298.15, 2, 1)
# Stacks of temperature, the last event first, with 15 g/kg: what is in force, K, and its flag.
STACKS: dict[str, tuple[list[dict[str, Any]], float, str]] = {
    "VIRTMP on top": ([MADE_VIRTUAL, AS_SENT], 298.15, "pass"),
    "VIRTMP below a later mark": ([event(300.95, 2, 5), MADE_VIRTUAL, AS_SENT], 298.15, "pass"),
    "rejected later": ([event(300.95, 9, 5), MADE_VIRTUAL, AS_SENT], 298.15, "bounds"),
    "corrected later": (
        [event(303.95, 2, 6), MADE_VIRTUAL, AS_SENT], 303.95 / 300.95 * 298.15, "pass",
    ),
    "corrected earlier": (
        [MADE_VIRTUAL, event(298.15, 1, 5), event(290.15, 1, 1)], 298.15, "pass",
    ),
    "VIRTMP twice": ([event(301.05, 2, 8), MADE_VIRTUAL, AS_SENT], 298.15, "pass"),
    "VIRTMP twice, not in a row": (
        [event(301.05, 2, 5), event(301.05, 2, 8), event(300.95, 2, 5), MADE_VIRTUAL, AS_SENT],
        298.15, "pass",
    ),
    # Bolton 1980: T_v = T (1 + 0.608 q).
    "VIRTMP alone": ([MADE_VIRTUAL], 300.95 / (1 + 0.608 * 0.015), "pass"),
    "VIRTMP alone below a mark": (
        [event(300.95, 3, 5), MADE_VIRTUAL], 300.95 / (1 + 0.608 * 0.015), "passive",
    ),
    "VIRTMP without a value": ([event(300.95, 2, 5), event(None, 2, 8), AS_SENT], 298.15, "pass"),
    "no VIRTMP": ([event(299.15, 1, 5), AS_SENT], 299.15, "pass"),
    "a mark below one that is missing": (
        [event(299.15, None, 5), event(299.15, 9, 1)], 299.15, "bounds",
    ),
    "taken away": ([event(None, 15, 5), MADE_VIRTUAL, AS_SENT], np.nan, "missing"),
}  # fmt: skip
DAMP, DRY, DOUBTED = (
    [{"QOB": 15000, "QQM": 2, "QPC": 8}, {"QOB": 14000, "QQM": 2, "QPC": 1}],
    [{"QOB": None, "QQM": None, "QPC": 8}],
    [{"QOB": 15000, "QQM": 9, "QPC": 8}],
)


def stack_file(path: Path, stacks: list[tuple[list[Any], list[Any]]]) -> pd.DataFrame:
    """The reports of a file with a sounding of one level for each temperature and humidity."""
    soundings = [
        header(f"S{number}", 120, PRSLEVEL=[level(1, 950.0, temperature=stack, q=humidity)])
        for number, (stack, humidity) in enumerate(stacks)
    ]
    path.write_bytes(prepbufr_file([("ADPUPA", soundings)]))
    return read_observations([path])


def test_a_temperature_is_real_wherever_virtmp_stands_in_its_stack(tmp_path: Path) -> None:
    pytest.importorskip("earth2bufr")
    reports = stack_file(
        tmp_path / "stacks.prepbufr", [(one, DAMP) for one, _, _ in STACKS.values()]
    )
    found = reports[reports["variable"] == "temperature"].set_index("station_id")
    for number, (name, (_, kelvin, flag)) in enumerate(STACKS.items()):
        report = found.loc[f"S{number}"]
        np.testing.assert_allclose(report["value"], kelvin, atol=0.01, err_msg=name)
        assert report["flag"] == flag, name
    humidity = reports[reports["variable"] == "specific_humidity"]["value"]
    np.testing.assert_allclose(humidity, 0.015)


def test_humidity_matters_to_a_virtual_temperature_without_the_real_one_below(
    tmp_path: Path,
) -> None:
    pytest.importorskip("earth2bufr")
    both, alone = [MADE_VIRTUAL, AS_SENT], [MADE_VIRTUAL]
    reports = stack_file(
        tmp_path / "humidities.prepbufr",
        [(both, DRY), (both, DOUBTED), (alone, DRY), (alone, DOUBTED)],
    )
    found = reports[reports["variable"] == "temperature"].sort_values("station_id")
    expected = [298.15, 298.15, np.nan, 300.95 / (1 + 0.608 * 0.015)]
    np.testing.assert_allclose(found["value"], expected, atol=0.01)
    assert found["flag"].tolist() == ["pass", "pass", "missing", "bounds"]


def test_a_station_has_the_stack_of_its_own_temperature(tmp_path: Path) -> None:
    pytest.importorskip("earth2bufr")
    plain = header("KDEN", 181, **level(0, 840.0, temperature=[AS_SENT], q=DAMP))
    later = [event(300.95, 2, 5), MADE_VIRTUAL, AS_SENT]
    virtual = header("KBOU", 181, **level(0, 840.0, temperature=later, q=DAMP))
    path = tmp_path / "stations.prepbufr"
    path.write_bytes(prepbufr_file([("ADPSFC", [header("NONE", 181, CAT=0), virtual, plain])]))
    reports = read_observations([path])
    for station in ("KBOU", "KDEN"):
        found = of(reports, station, "2m_temperature")["value"]
        np.testing.assert_allclose(found, [298.15], atol=0.01)


def test_marks_flag_and_nothing_is_dropped(reports: pd.DataFrame) -> None:
    assert of(reports, "72469", "temperature")["flag"].tolist() == ["pass", "bounds", "bounds"]
    assert of(reports, "72469", "geopotential")["flag"].tolist() == ["pass", "passive"]
    assert of(reports, "72469", "u_component_of_wind")["flag"].tolist() == ["pass"]
    assert of(reports, "at_50.0_10.0", "u_component_of_wind")["flag"].tolist() == ["bounds"]
    assert of(reports, "46042", "surface_pressure")["flag"].tolist() == ["passive"]


def test_time_and_place_are_those_of_the_level_where_it_drifts(reports: pd.DataFrame) -> None:
    temperature = of(reports, "72469", "temperature")
    expected = pd.to_datetime(["2024-01-01T11:30", "2024-01-01T12:15", "2024-01-01T11:30"])
    assert temperature["time"].tolist() == expected.tolist()
    np.testing.assert_allclose(temperature["longitude"], [255.12345, 255.3, 255.12345])
    np.testing.assert_allclose(temperature["latitude"], [39.76712, 39.9, 39.76712])
    assert set(reports["elevation"]) == {1611.0, 0.0}


def test_types_and_errors_follow_the_kind_of_message(reports: pd.DataFrame) -> None:
    kinds = dict(zip(reports["station_id"], reports["type"], strict=True))
    assert kinds == {
        "72469": "radiosonde", "at_50.0_10.0": "aircraft", "46042": "ship", "KDEN": "synop",
    }  # fmt: skip
    assert of(reports, "KDEN", "10m_u_component_of_wind")["value"].tolist() == [-3.2]
    assert of(reports, "KDEN", "10m_u_component_of_wind")["vertical"].tolist() == ["surface"]
    assert reports["error"].gt(0).all()


def test_a_real_ncep_file_is_decoded_and_its_soundings_of_a_model_are_told() -> None:
    pytest.importorskip("earth2bufr")
    # 10 messages of 14 subsets and one of 1: pybufrkit counts the same.
    with pytest.raises(
        InputError, match=r"prepbufr.bufr.*by category.*\{243: 141\}.*expected one"
    ):
        read_observations([DATA / "prepbufr.bufr"])


def damaged(path: Path, content: bytes) -> Path:
    hurt = path.with_name("hurt.prepbufr")
    hurt.write_bytes(content)
    return hurt


@pytest.mark.parametrize(
    ("hurt", "problem"),
    [
        (lambda good: good[:40], "cut off"),
        (lambda good: good[: good.find(b"BUFR", 4)], "cannot be decoded by earth2bufr"),
        # The descriptor of the sequence that begins every report is no number.
        (lambda good: good.replace(b"348001H", b"3480x1H"), "cannot be decoded by earth2bufr"),
        # Another unit than that of NCEP's table.
        (lambda good: good.replace(b"DEG C", b"K    "), "expected TOB in DEG C, its tables say K"),
        # The tables are no BUFR message any more: another one is the first.
        (lambda good: b"BUFF" + good[4:], "expected tables"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(path: Path, hurt: Any, problem: str) -> None:
    broken = damaged(path, hurt(path.read_bytes()))
    assert broken.read_bytes() != path.read_bytes()
    with pytest.raises(InputError, match=rf"{re.escape(broken.name)}.*{problem}"):
        read_prepbufr(broken)


def names_of(path: Path, content: bytes) -> tuple[list[str], Account]:
    path.write_bytes(content)
    reports, (account,) = read_files([path])
    return sorted(reports["station_id"].unique()), account


def buoys(*names: str | bytes) -> bytes:
    """A file with a message for every name."""
    pressure = level(0, 1013.2)
    return prepbufr_file([("SFCSHP", [header(name, 180, **pressure)]) for name in names])


@pytest.mark.parametrize(
    ("name", "mended"),
    [(b"BOD\xd8", "BOD?"), (b"\x01A", "?A"), (b"ABCDEFG\xff", "ABCDEFG?")],
)
def test_an_odd_byte_in_a_name_is_mended_and_told(
    name: bytes, mended: str, tmp_path: Path
) -> None:
    pytest.importorskip("earth2bufr")
    content = buoys("46042", name, "46043")
    with pytest.warns(UserWarning, match=re.escape(f"became '?': {mended}")):
        names, account = names_of(tmp_path / "odd.prepbufr", content)
    assert names == sorted(["46042", "46043", mended])
    assert "damaged message" not in account.left_out


def test_names_of_many_reports_in_one_message_are_mended(tmp_path: Path) -> None:
    pytest.importorskip("earth2bufr")
    reports = [header(name, 180, **level(0, 1000.0)) for name in ("A1", b"B\xc4", "C3", b"D\xd6")]
    with pytest.warns(UserWarning, match=r"names of 2 reports .*: B\?, D\?"):
        names, account = names_of(tmp_path / "odd.prepbufr", prepbufr_file([("SFCSHP", reports)]))
    assert names == ["A1", "B?", "C3", "D?"]
    assert account.kept == 4


def second_message(change: Any) -> bytes:
    """Three buoys, the message of the second changed."""
    content = buoys("46042", "46043", "46044")
    starts = [match.start() for match in re.finditer(b"BUFR", content)]
    assert len(starts) == 4
    return content[: starts[2]] + change(content[starts[2] : starts[3]]) + content[starts[3] :]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda message: message[:-4] + b"8888", "message 3 at byte .*expected 7777"),
        (lambda message: message[:-9], "message 3 at byte"),
        (lambda message: message[:5] + b"\1" + message[6:], "message 3 at byte"),
        # 3 48 110 becomes 3 49 110, which is in no table.
        (lambda message: message.replace(b"\xf0\x6e", b"\xf1\x6e"), "message 3 cannot be decoded"),
    ],
)
def test_a_damaged_message_does_not_cost_the_others(
    change: Any, problem: str, tmp_path: Path
) -> None:
    pytest.importorskip("earth2bufr")
    with pytest.warns(UserWarning, match=f"1 of 4 messages .*{problem}"):
        names, account = names_of(tmp_path / "amid.prepbufr", second_message(change))
    assert names == ["46042", "46044"]
    assert account.left_out["damaged message"] == 1


def test_bytes_between_messages_cost_nothing(tmp_path: Path) -> None:
    pytest.importorskip("earth2bufr")
    names, account = names_of(
        tmp_path / "between.prepbufr", second_message(lambda one: b"\r\n\1 7777 " + one + b"BUFF")
    )
    assert names == ["46042", "46043", "46044"]
    assert "damaged message" not in account.left_out


def test_what_is_not_read_is_counted_by_name(tmp_path: Path) -> None:
    pytest.importorskip("earth2bufr")
    report = header("46042", 180, **level(0, 1013.2, q=DAMP))
    report["Q___INFO"]["TDO"] = 12.0
    path = tmp_path / "more.prepbufr"
    _, account = names_of(path, prepbufr_file([("SFCSHP", [report, header("B", 180, CAT=0)])]))
    assert account.left_out == {"TDO (not read)": 1}
    told = account.kept + sum(account.flagged.values()) + sum(account.left_out.values())
    assert account.read == told


def test_bytes_changed_at_random_never_end_otherwise_than_in_an_input_error(path: Path) -> None:
    good, random = path.read_bytes(), np.random.default_rng(0)
    for _ in range(3):
        content = bytearray(good)
        for place in random.integers(20, len(good) - 20, 3):
            content[place] = random.integers(256)
        with contextlib.suppress(InputError), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*reports are not read")
            assert len(read_prepbufr(damaged(path, bytes(content))).table)


def test_without_earth2bufr_the_extra_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "decode_prepbufr.py"
    program.write_text("raise ModuleNotFoundError(\"No module named 'earth2bufr'\")")
    monkeypatch.setattr(child, "__file__", str(program))
    with pytest.raises(ConfigError, match=r"needs earth2bufr: pip install 'align-da\[observat"):
        read_prepbufr(path)
