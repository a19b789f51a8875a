"""The buddy check: who is a buddy, and what buddies decide."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from align_da.atmosphere import Layout
from align_da.observations import Flag, ObservationBatch, Vertical
from align_da.observations.buddy_check import check_buddies

DEGREE = 111e3  # metres


def cluster(departures: list[float], spacing: float = 300e3) -> ObservationBatch:
    """Temperatures along the equator; an expected departure is 1, the background is 0."""
    nothing = jnp.zeros(len(departures))
    whole = jnp.arange(len(departures), dtype=jnp.int32)
    return ObservationBatch(
        value=jnp.asarray(departures),
        error=nothing + 0.6,
        latitude=nothing,
        longitude=jnp.arange(len(departures)) * spacing / DEGREE,
        level=nothing + 0.5,
        vertical=0 * whole + int(Vertical.LEVEL),
        time=nothing,
        variable=0 * whole + 2,
        station=whole,
        flag=0 * whole,
    )


def flags(batch: ObservationBatch, layout: Layout, threshold: float = 3.0) -> list[int]:
    nothing = jnp.zeros_like(batch.value)
    checked = check_buddies(batch, layout, nothing, nothing + 0.64, threshold)
    return np.asarray(checked.flag).tolist()


def test_a_departure_that_no_neighbour_bears_out_is_flagged(layout: Layout) -> None:
    assert flags(cluster([0.1, -0.3, 4.0, 0.2, 0.0]), layout) == [0, 0, Flag.BUDDY, 0, 0]


def test_the_tolerance_adapts_to_what_the_neighbours_vary(layout: Layout) -> None:
    calm, rough = [0.1, -0.2, 2.6, 0.2, 0.0], [1.8, -1.9, 2.6, -1.7, 1.9]
    assert flags(cluster(calm), layout)[2] == Flag.BUDDY
    assert flags(cluster(rough), layout)[2] == Flag.PASS


def test_a_storm_is_accepted_from_its_edge_inwards(layout: Layout) -> None:
    storm = [0.3, 1.0, 1.9, 3.4, 4.8, 4.9, 4.6, 3.3, 1.9, 1.1, 0.4]
    assert flags(cluster(storm), layout) == [Flag.PASS] * len(storm)
    # The same departure alone among the calm.
    assert flags(cluster([0.3, 0.2, 0.1, 4.8, 0.2, 0.1, 0.2]), layout)[3] == Flag.BUDDY


def test_what_is_not_suspect_is_never_flagged(layout: Layout) -> None:
    assert flags(cluster([-1.9, -1.9, 1.9, -1.9, -1.9]), layout, 0.1) == [Flag.PASS] * 5


@pytest.mark.parametrize(
    "changes",
    [
        {"station": jnp.asarray([2, 2, 2, 3, 4])},  # its own reports
        {"level": jnp.asarray([0.5, 0.2, 0.5, 0.9, 0.5])},
        {"variable": jnp.asarray([2, 0, 2, 2, 1])},
        {"vertical": jnp.asarray([0, 1, 0, 1, 0])},
        {"latitude": jnp.asarray([0.0, 60.0, 0.0, 0.0, -60.0])},
        {"flag": jnp.asarray([0, Flag.PASSIVE, 0, Flag.BOUNDS, 0])},  # withheld, rejected
    ],
)
def test_without_three_buddies_an_observation_stays(
    changes: dict[str, jnp.ndarray], layout: Layout
) -> None:
    batch = cluster([0.1, -0.3, 4.0, 0.2, 0.0])
    assert flags(batch, layout)[2] == Flag.BUDDY
    assert flags(replace(batch, **changes), layout)[2] == Flag.PASS


def test_a_withheld_observation_is_checked_too(layout: Layout) -> None:
    batch = cluster([0.1, -0.3, 4.0, 0.2, 0.0])
    passive = replace(batch, flag=batch.flag.at[2].set(int(Flag.PASSIVE)))
    assert flags(passive, layout)[2] == Flag.BUDDY


def test_neighbours_are_found_across_the_date_line_and_the_pole(layout: Layout) -> None:
    batch = cluster([0.1, -0.3, 4.0, 0.2, 0.0])
    assert flags(replace(batch, longitude=(batch.longitude - 5) % 360), layout)[2] == Flag.BUDDY
    around = jnp.asarray([0.0, 90.0, 180.0, 270.0, 45.0])
    over = replace(batch, latitude=jnp.full(5, 86.0), longitude=around)
    assert flags(over, layout)[2] == Flag.BUDDY


def test_the_order_does_not_change_a_bit_of_the_tolerance(layout: Layout) -> None:
    """At the threshold where the decision turns, the last bit of any sum would turn it."""
    chance = np.random.default_rng(0)
    batch = cluster([*chance.uniform(-1.9, 1.9, 30).tolist(), 4.5], spacing=30e3)
    low, high = 0.1, 100.0
    while np.nextafter(low, high) < high:
        middle = (low + high) / 2
        rejected = flags(batch, layout, middle)[-1] == Flag.BUDDY
        low, high = (middle, high) if rejected else (low, middle)
    for _ in range(50):
        order = chance.permutation(31)
        shuffled = jax.tree.map(lambda array, order=order: array[order], batch)
        own = order.tolist().index(30)
        assert flags(shuffled, layout, low)[own] == Flag.BUDDY
        assert flags(shuffled, layout, high)[own] == Flag.PASS


def test_nobody_and_a_suspect_alone_in_the_world_are_left_alone(layout: Layout) -> None:
    assert flags(cluster([]), layout) == []
    assert flags(cluster([4.0]), layout) == [Flag.PASS]
