"""The same program on several cores."""

from threading import Barrier, get_ident

import pytest

from align_da.parallel import threads
from align_da.parallel.threads import on_all_cores


def test_what_is_given_of_each_comes_in_their_order() -> None:
    assert on_all_cores(lambda number: number**2, [3, 1, 2]) == [9, 1, 4]
    assert on_all_cores(str, []) == []


def test_two_are_computed_at_once_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    meeting = Barrier(2, timeout=10)

    def met(number: int) -> int:
        if number:
            meeting.wait()  # breaks, and raises, where no other comes
        return get_ident()

    first, *others = on_all_cores(met, [0, 1, 2])
    assert first == get_ident()
    assert first not in others


def test_one_core_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 1)
    assert set(on_all_cores(lambda _: get_ident(), [1, 2, 3])) == {get_ident()}


def test_the_first_that_fails_is_told() -> None:
    def failing(number: int) -> int:
        if number > 1:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="2"):
        on_all_cores(failing, [0, 1, 2, 3])
