"""A package that brings a part, without being installed."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

import align_da.registry as room


def bring(monkeypatch: pytest.MonkeyPatch, point: EntryPoint, distribution: type) -> None:
    """Let a distribution, which has a name and a version, bring one entry point more.

    Whoever does so clears what the registry remembers of it (`room._installed`) in the end.
    """
    vars(point)["dist"] = distribution
    found = room.entry_points
    monkeypatch.setattr(
        room,
        "entry_points",
        lambda group: EntryPoints(
            [*found(group=group), *([point] if group == point.group else [])]
        ),
    )
    room._installed.cache_clear()
