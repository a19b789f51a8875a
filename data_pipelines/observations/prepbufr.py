"""PREPBUFR: recognised, and refused with what to do instead.

NCEP's files carry their own tables as messages of category 11 in front of the data, which is how
they are told from other BUFR files. eccodes 2.42 reads these messages but does not apply them: the
descriptors of the data (0 63 000 and beyond) are in none of its tables, and decoding ends with
"unable to get descriptor 063000 from table".
"""

from pathlib import Path

import pandas as pd

from align_da.errors import InputError

_DICTIONARY = 11  # BUFR table A: tables
_CATEGORY = {3: 16, 4: 18}  # byte of the category in a message, by edition


def holds_dictionary(path: Path) -> bool:
    """Whether the file begins with tables of its own."""
    content = path.read_bytes()
    start = content.find(b"BUFR")
    message = content[start : start + 20]
    if start < 0 or len(message) < 20:
        return False
    return message[_CATEGORY.get(message[7], 16)] == _DICTIONARY


def read_prepbufr(path: Path) -> pd.DataFrame:
    """Nothing: eccodes cannot decode PREPBUFR.

    Raises:
        InputError: always; says whether the file is one and what to do.
    """
    if not holds_dictionary(path):
        message = f"{path}: expected tables (category 11) in the first message: no PREPBUFR file"
        raise InputError(message)
    message = (
        f"{path}: PREPBUFR brings tables of its own, which eccodes does not apply: convert it to "
        "IODA v3 (bufr2ioda of JEDI) or to a table, and give that"
    )
    raise InputError(message)
