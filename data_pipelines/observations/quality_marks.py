"""Quality marks of NCEP (PREPBUFR, table 7): 0 to 2 good, 3 suspect, 4 and more rejected."""

import numpy as np
from jaxtyping import Float

_SUSPECT, _REJECTED = 3, 4


def flags_of_marks(mark: Float[np.ndarray, " row"]) -> np.ndarray:
    """The name of a flag for every mark: suspect is passive, rejected bounds, no mark a pass.

    There are no marks below 0: what holds one is no mark, and the report not to be used.
    """
    rejected = (mark >= _REJECTED) | (mark < 0)
    return np.select([rejected, mark >= _SUSPECT], ["bounds", "passive"], "pass")
