"""Draw candidates of the prior for many backgrounds and score them.

Drawing stays in this process; scoring, which runs a forecast of every candidate, goes to an
executor where one is given: a dask client's `get_executor(pure=False)`, or any other
`concurrent.futures.Executor`. Each worker builds its score function once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache

import jax
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Shaped

from align_da.alignment.contract import AlignmentCase, Reward
from align_da.atmosphere import State
from align_da.errors import BadStateError, InputError
from align_da.keys import Purpose, key_for

CandidateLatents = Float[Array | np.ndarray, "candidate lat lon latent"]

Draw = Callable[[AlignmentCase, jax.Array], tuple[State, CandidateLatents]]
"""(case, key) → candidates [candidate, lat, lon, channel] in SI units and the scaled latent
increments that they decode from, [candidate, lat, lon, latent]."""

CandidateScore = Callable[[State, AlignmentCase], xr.Dataset]
"""(candidates, case) → what is told about them, as variables with any dimensions."""


def reward_score(rewards: Mapping[str, Reward]) -> CandidateScore:
    """The score that tells the rewards, variable `rewards` [candidate, reward].

    The score raises an InputError where a reward is not one finite number a candidate.
    """

    def score(candidates: State, case: AlignmentCase) -> xr.Dataset:
        columns = [
            _checked(np.asarray(reward(candidates, case)), name, len(candidates.values))
            for name, reward in rewards.items()
        ]
        dims = ("candidate", "reward")
        return xr.Dataset(
            {"rewards": (dims, np.stack(columns, axis=-1))}, coords={"reward": list(rewards)}
        )

    return score


def _checked(
    values: Shaped[np.ndarray, "..."], name: str, count: int
) -> Shaped[np.ndarray, " candidate"]:
    """What the reward called `name` says of `count` candidates, if it is what a reward may say."""
    if values.shape != (count,) or not np.isfinite(values).all():
        message = (
            f"expected one finite number for each of {count} candidates of the reward {name!r}, "
            f"got shape {values.shape} with {np.count_nonzero(~np.isfinite(values))} not finite: "
            f"let it give finite numbers of shape ({count},)"
        )
        raise InputError(message)
    return values


def score_cases(
    cases: Iterable[AlignmentCase],
    draw: Draw,
    build_score: Callable[[], CandidateScore],
    *,
    seed: int,
    first: int = 0,
    executor: Executor | None = None,
    in_flight: int = 8,
    on_case: Callable[[int], None] = lambda _: None,
) -> xr.Dataset:
    """Draw and score the candidates of every case.

    Args:
        cases: read one at a time.
        draw: the prior.
        build_score: makes the score function, once in each worker. With an executor of other
            processes it must be a function of a module or a frozen dataclass with `__call__`,
            which stay equal when they are sent.
        seed: seed of the run; case number i draws with the key of (seed, CANDIDATES, i).
        first: number of the first case, so that a run can go on where another ended.
        executor: where to score; None scores here.
        in_flight: most cases that wait for their score at a time.
        on_case: told the number of every case that is done, in order.

    Returns:
        Variables of the score and `latent` [case, candidate, latent_latitude, latent_longitude,
        latent_channel], dimensionless, with coordinates `case` and `valid_time`.

    Raises:
        InputError: no cases.
        BadStateError: the prior drew something that is not finite.
    """
    drawn = _drawn(cases, draw, seed, first)
    parts = []
    for part in _scored(drawn, build_score, executor, in_flight):
        parts.append(part)
        on_case(part["case"].item())
    if not parts:
        message = "expected at least one case to score, got none: widen the period of the cases"
        raise InputError(message)
    return xr.concat(parts, dim="case", data_vars="all", coords="minimal", join="exact")


@dataclass(frozen=True)
class _Drawn:
    """Candidates of one case that wait for their score."""

    number: int
    case: AlignmentCase
    candidates: State
    latents: np.ndarray

    def described(self, scores: xr.Dataset) -> xr.Dataset:
        """The scores with the latents and the place of the case."""
        dims = ("candidate", "latent_latitude", "latent_longitude", "latent_channel")
        time = self.case.valid_time.astype("datetime64[ns]")
        expanded = scores.assign(latent=(dims, self.latents)).expand_dims(case=[self.number])
        return expanded.assign_coords(valid_time=("case", [time]))


def _drawn(cases: Iterable[AlignmentCase], draw: Draw, seed: int, first: int) -> Iterator[_Drawn]:
    """Candidates of each case, drawn when they are asked for."""
    for number, case in enumerate(cases, start=first):
        candidates, latents = draw(case, key_for(seed, Purpose.CANDIDATES, number))
        if not np.isfinite(np.asarray(candidates.values)).all():
            message = (
                f"the candidates of case {number} at {case.valid_time} are not finite: "
                "check the prior and its sampler"
            )
            raise BadStateError(message)
        yield _Drawn(number, case, candidates, np.asarray(latents))


def _scored(
    drawn: Iterable[_Drawn],
    build_score: Callable[[], CandidateScore],
    executor: Executor | None,
    in_flight: int,
) -> Iterator[xr.Dataset]:
    """Scores in order; at most `in_flight` wait."""
    if executor is None:
        for item in drawn:
            yield item.described(_score(build_score, item.candidates, item.case))
        return
    waiting: deque[tuple[_Drawn, Future[xr.Dataset]]] = deque()
    for item in drawn:
        future = executor.submit(_score, build_score, item.candidates, item.case)
        waiting.append((item, future))
        if len(waiting) >= in_flight:
            oldest, done = waiting.popleft()
            yield oldest.described(done.result())
    for item, future in waiting:
        yield item.described(future.result())


def _score(
    build_score: Callable[[], CandidateScore], candidates: State, case: AlignmentCase
) -> xr.Dataset:
    """Score one case with this worker's score function."""
    return _built(build_score)(candidates, case)


@lru_cache(maxsize=1)
def _built(build_score: Callable[[], CandidateScore]) -> CandidateScore:
    """The score function of this worker: a forecast model takes many seconds to build."""
    return build_score()
