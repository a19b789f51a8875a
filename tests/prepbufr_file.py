"""PREPBUFR files for tests, written bit by bit: no real one of observations could be had.

Table entries are those of NCEP's own table (NOAA-EMC/prepobs, fix/prepobs_prep.bufrtable); the
sequences keep what is read and some of what is not. Framing, replication and padding are those of
the NCEP file in `tests/data/observations/prepbufr.bufr` (WMO-No. 306, FM 94, edition 3).
"""

from collections.abc import Mapping, Sequence
from typing import Any

# Mnemonic: descriptor, scale, reference, bits, unit.
_ELEMENTS: dict[str, tuple[int, int, int, int, str]] = {
    "DRF1BIT": (31000, 0, 0, 1, "NUMERIC"),
    "DRF8BIT": (31001, 0, 0, 8, "NUMERIC"),
    "BYTCNT": (63000, 0, 0, 16, "BYTES"),
    "BITPAD": (63255, 0, 0, 1, "NONE"),
    "SID": (1194, 0, 0, 64, "CCITT IA5"),
    "DHR": (4215, 5, -2400000, 23, "HOURS"),
    "HRDR": (4218, 5, -2400000, 23, "HOURS"),
    "YOB": (5002, 2, -9000, 15, "DEG N"),
    "YDR": (5241, 2, -9000, 15, "DEG N"),
    "XOB": (6240, 2, -18000, 16, "DEG E"),
    "XDR": (6241, 2, -18000, 16, "DEG E"),
    "ELV": (10199, 0, -1000, 17, "METER"),
    "TYP": (55007, 0, 0, 10, "CODE TABLE"),
    "T29": (55008, 0, 0, 10, "CODE TABLE"),
    "CAT": (8193, 0, 0, 6, "CODE TABLE"),
    "POB": (7245, 1, 0, 14, "MB"),
    "PQM": (7246, 0, 0, 5, "CODE TABLE"),
    "PPC": (7247, 0, 0, 5, "CODE TABLE"),
    "PRC": (7248, 0, 0, 10, "CODE TABLE"),
    "POE": (7250, 2, 0, 14, "MB"),
    "ZOB": (10007, 0, -1000, 17, "METER"),
    "ZQM": (10246, 0, 0, 5, "CODE TABLE"),
    "ZPC": (10247, 0, 0, 5, "CODE TABLE"),
    "ZRC": (10248, 0, 0, 10, "CODE TABLE"),
    "UOB": (11003, 1, -4096, 13, "M/S"),
    "VOB": (11004, 1, -4096, 13, "M/S"),
    "WQM": (11240, 0, 0, 5, "CODE TABLE"),
    "WPC": (11241, 0, 0, 5, "CODE TABLE"),
    "WRC": (11242, 0, 0, 10, "CODE TABLE"),
    "TVO": (12243, 1, -2732, 14, "DEG C"),
    "TDO": (12244, 1, -2732, 14, "DEG C"),
    "TOB": (12245, 1, -2732, 14, "DEG C"),
    "TQM": (12246, 0, 0, 5, "CODE TABLE"),
    "TPC": (12247, 0, 0, 5, "CODE TABLE"),
    "TRC": (12248, 0, 0, 10, "CODE TABLE"),
    "QOB": (13245, 0, 0, 16, "MG/KG"),
    "QQM": (13246, 0, 0, 5, "CODE TABLE"),
    "QPC": (13247, 0, 0, 5, "CODE TABLE"),
    "QRC": (13248, 0, 0, 10, "CODE TABLE"),
    "CLAM": (20011, 0, 0, 4, "CODE TABLE"),
}
_SURFACE = "HEADR CAT <P___INFO> <Q___INFO> <T___INFO> <Z___INFO> <W___INFO> {CLOUDSEQ}"
# Mnemonic: descriptor, members; <once or not at all>, {up to 255 times}, [stack of events].
_SEQUENCES: dict[str, tuple[int, str]] = {
    "DRP8BIT": (360002, "101000 DRF8BIT"),
    "DRPSTAK": (360003, "101000 DRF8BIT"),
    "DRP1BIT": (360004, "101000 DRF1BIT"),
    "ADPUPA": (348102, "HEADR {PRSLEVEL} {CLOUDSEQ}"),
    "AIRCFT": (348104, "HEADR {PRSLEVEL}"),
    "SATEMP": (348108, "HEADR {PRSLEVEL}"),
    "ADPSFC": (348109, _SURFACE),
    "SFCSHP": (348110, _SURFACE),
    "HEADR": (348001, "SID 207003 XOB YOB 207000 DHR ELV TYP T29"),
    "PRSLEVEL": (
        348002,
        "CAT <P___INFO> <Q___INFO> <T___INFO> <Z___INFO> <W___INFO> <DRFTINFO>",
    ),
    "CLOUDSEQ": (348014, "CLAM"),
    "P___INFO": (348141, "[P__EVENT] <P__BACKG>"),
    "Q___INFO": (348142, "[Q__EVENT] TDO"),
    "T___INFO": (348143, "[T__EVENT] TVO"),
    "Z___INFO": (348144, "[Z__EVENT]"),
    "W___INFO": (348145, "[W__EVENT]"),
    "DRFTINFO": (348155, "207003 XDR YDR 207000 HRDR"),
    "P__EVENT": (348171, "POB PQM PPC PRC"),
    "Q__EVENT": (348172, "QOB QQM QPC QRC"),
    "T__EVENT": (348173, "TOB TQM TPC TRC"),
    "Z__EVENT": (348174, "ZOB ZQM ZPC ZRC"),
    "W__EVENT": (348175, "UOB VOB WQM WPC WRC"),
    "P__BACKG": (348191, "POE"),
}
_REPLICATORS = {"<": "DRP1BIT", "{": "DRP8BIT", "[": "DRPSTAK"}
_HOUR = (2024, 1, 1, 12)  # of the cycle


def prepbufr_file(messages: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> bytes:
    """Tables and messages of the cycle 2024-01-01 12 UTC.

    Args:
        messages: a mnemonic of NCEP's table A with its reports; a report has a value for an
            element, a report for "<...>", and a list of reports for "{...}" and "[...]".
    """
    content = _message(11, [103000, 31001, 1, 2, 3, *_OF_TABLES], 1, _tables())
    for name, reports in messages:
        number = _SEQUENCES[name][0]
        parts = [number % 1000, [63000, number, 102000, 31001, 206001, 63255], len(reports)]
        content += _message(*parts, "".join(_subset(name, report) for report in reports))
    return content


_OF_TABLES = (101000, 31001, 300004, 105000, 31001, 300003, 205064, 101000, 31001, 30)


def _tables() -> str:
    """Bits of the tables: message types, elements, sequences."""
    types = [
        (name, number) for name, (number, _) in _SEQUENCES.items() if 348100 < number < 348140
    ]
    text = [chr(len(types)), *(f"{number % 1000:03d}{name:<64}" for name, number in types)]
    text.append(chr(len(_ELEMENTS)))
    for name, (number, scale, reference, bits, unit) in _ELEMENTS.items():
        text.append(f"{number:06d}{name:<64}{unit:<24}{scale:+04d}{reference:+011d}{bits:03d}")
    text.append(chr(len(_SEQUENCES)))
    for name, (number, members) in _SEQUENCES.items():
        listed = [descriptor for member in members.split() for descriptor in _descriptors(member)]
        text += [f"{number:06d}{name:<64}", chr(len(listed)), *(f"{one:06d}" for one in listed)]
    return "".join(f"{ord(letter):08b}" for letter in "".join(text))


def _descriptors(member: str) -> list[int]:
    if member[0] in _REPLICATORS:
        return [_SEQUENCES[_REPLICATORS[member[0]]][0], _SEQUENCES[member[1:-1]][0]]
    if member.isdigit():
        return [int(member)]
    return [(_ELEMENTS if member in _ELEMENTS else _SEQUENCES)[member][0]]


def _subset(name: str, report: Mapping[str, Any]) -> str:
    """Bits of a report between its length in bytes and its padding."""
    bits = _bits(name, report)
    padding = -(16 + len(bits) + 8) % 8
    size = (16 + len(bits) + 8 + padding) // 8
    return f"{size:016b}{bits}{padding:08b}{'0' * padding}"


def _bits(name: str, report: Mapping[str, Any]) -> str:
    """Bits of a sequence."""
    found, finer = "", 0
    for member in _SEQUENCES[name][1].split():
        if member.isdigit():
            finer = int(member) % 1000  # 2 07 YYY: digits more
        elif member[0] == "<":
            inner = report.get(member[1:-1])
            found += "0" if inner is None else "1" + _bits(member[1:-1], inner)
        elif member[0] in _REPLICATORS:
            several = report.get(member[1:-1], ())
            found += f"{len(several):08b}" + "".join(_bits(member[1:-1], one) for one in several)
        elif member in _SEQUENCES:
            found += _bits(member, report)
        else:
            found += _element(member, report.get(member), finer)
    return found


def _element(name: str, value: float | str | bytes | None, finer: int) -> str:
    """Bits of one value; ones where there is none."""
    _, scale, reference, bits, _ = _ELEMENTS[name]
    if finer:
        scale, reference = scale + finer, reference * 10**finer
        bits += (10 * finer + 2) // 3
    if value is None:
        return "1" * bits
    if isinstance(value, str | bytes):
        letters = value.encode() if isinstance(value, str) else value
        return "".join(f"{letter:08b}" for letter in letters.ljust(bits // 8))
    return f"{round(value * 10**scale) - reference:0{bits}b}"


def _message(category: int, descriptors: Sequence[int], subsets: int, bits: str) -> bytes:
    """A message of edition 3."""
    year, month, day, hour = _HOUR
    head = bytes([0, 3, 7, 0, 0, category, 0, 13, 0, year % 100, month, day, hour, 0, 21])
    codes = b"".join(_code(one).to_bytes(2, "big") for one in descriptors)
    listed = bytes([0]) + subsets.to_bytes(2, "big") + bytes([128]) + codes + b"\0"
    size = (len(bits) + 7) // 8
    data = bytes([0]) + int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")
    body = b"".join(_sized(part) for part in (head, listed, data)) + b"7777"
    return b"BUFR" + (len(body) + 8).to_bytes(3, "big") + b"\3" + body


def _sized(section: bytes) -> bytes:
    """A section with its length in front, of an even number of bytes."""
    section += b"\0" * ((len(section) + 3) % 2)
    return (len(section) + 3).to_bytes(3, "big") + section


def _code(descriptor: int) -> int:
    """F X Y in two bytes."""
    return (descriptor // 100000) << 14 | (descriptor // 1000 % 100) << 8 | descriptor % 1000
