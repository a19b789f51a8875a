"""Time of a forecast of the embedded world against the number of members, as Markdown.

Usage: python -m experiments.forecast_model.run [--members 1 4 20 80] [--hours 6] [--repeat 3]
"""

import statistics
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from align_da.atmosphere import State
from align_da.atmosphere.state import state_from_fields
from align_da.config import Config
from align_da.forecast import ForecastModel
from align_da.runs.forecast_models import configured_forecast_model
from align_da.verification.cost import measured
from align_da.verification.table_format import to_markdown
from experiments.options import options
from experiments.results import add_result

_START = np.datetime64("1960-01-01T00:00", "ns")
_AT_REST = {
    "u_component_of_wind": 0.0,
    "v_component_of_wind": 0.0,
    "temperature": 280.0,
    "specific_humidity": 1e-3,
    "surface_pressure": 1e5,
}


def main() -> None:
    """Time every number of members, write the result and print it."""
    parser = options(__doc__, Path(__file__).parent)
    parser.add_argument("--members", type=int, nargs="*", default=[1, 4, 20, 80])
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    model = configured_forecast_model(Config())
    rows = [
        {"members": members} | timed(model, members, arguments.hours, arguments.repeat)
        for members in arguments.members
    ]
    table = pd.DataFrame(rows).assign(device=jax.devices()[0].device_kind)
    add_result(arguments.folder, "members", table, ["device", "members"])
    print(to_markdown(table))


def timed(model: ForecastModel, members: int, hours: int, repeat: int) -> dict[str, float]:
    """Seconds of the first call, which compiles, and of the later ones."""
    state = perturbed_rest(model, members)

    def forecast() -> None:
        model.forecast(state, _START, hours).values.block_until_ready()

    compiling, *taken = (measured(forecast)[1].seconds for _ in range(1 + repeat))
    seconds = statistics.median(taken)
    return {"first call": compiling, "seconds": seconds, "members a second": members / seconds}


def perturbed_rest(model: ForecastModel, members: int) -> State:
    """An isothermal atmosphere at rest with a degree of noise."""
    layout = model.layout
    fields = {
        name: jnp.full(
            (*layout.grid.shape, layout.channels_of(name).stop - layout.channels_of(name).start),
            _AT_REST[name],
        )
        for name in layout.variables
    }
    values = state_from_fields(fields, layout).values
    noise = jax.random.normal(jax.random.key(0), (members, *layout.grid.shape, 1))
    warm = jnp.zeros(layout.shape[2]).at[layout.channels_of("temperature")].set(1.0)
    return State(values + noise * warm, layout)


if __name__ == "__main__":
    main()
