"""The keys that a name which there is not may mean.

Names of one meaning are often spelt unlike, and names that are spelt alike mean other things. The
words of a name are looked for in that of a key, in other words that lead to it (`FoundBy`) and in
its description. A word weighs as much as it tells keys apart, log(keys / keys that have it), and
the score of a key is its share of the weight of the name: all of it where that leads to it, most
of that of a word that is part of what does, half of that of a word that its description alone has.
Keys of the section that was asked for go before others.
"""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel

from align_da.config.key import Key, keys_of

_ITS_NAME, _LEADS_TO_IT, _NAMED, _DESCRIBED = 1.0, 0.95, 0.8, 0.5
_ELSEWHERE = 0.75
"""Factor on the scores of keys in other sections than the one that was asked for."""
_ENOUGH, _BESIDE_BEST = 0.4, 0.8
"""What the best key needs, and the share of its score that others need."""
_AT_MOST = 5
"""Keys that are told."""
_UNKNOWN = 2.0
"""Weight of a word that no key has."""
_ALIKE = 0.85
"""Of difflib, for two spellings of a word."""
_SHORTEST_STEM, _LONGEST_ENDING = 4, 5
"""Letters that two forms of a word share, and that one of them has besides."""
_SHORTEST_ABBREVIATION = 3
_COUNTING = frozenset({"a", "count", "max", "maximum", "n", "num", "number", "of", "total", "x"})
"""Words that say nothing of what is counted."""

Words = frozenset[str]


@dataclass(frozen=True)
class _Word:
    """A word of the name that is asked for.

    Attributes:
        forms: those of it that there are.
        weight: how well they tell keys apart.
    """

    forms: Words
    weight: float


@dataclass(frozen=True)
class _Entry:
    """A key with the words of its name and of each that leads to it, and all of its words."""

    key: Key
    names: tuple[Words, ...]
    words: Words

    def share(self, name: Sequence[_Word]) -> float:
        """Its share of the weight of a name."""
        for own in self.names:
            if len(own) == len(name) and all(own & word.forms for word in name):
                return _ITS_NAME if own is self.names[0] else _LEADS_TO_IT
        whole = sum(word.weight for word in name)
        return sum(self._part(word.forms) * word.weight for word in name) / whole

    def _part(self, forms: Words) -> float:
        """How much of a word it has."""
        if any(own & forms for own in self.names):
            return _NAMED
        return _DESCRIBED if self.words & forms else 0.0


@dataclass(frozen=True)
class _Index:
    """Every key of a section, and all words."""

    entries: tuple[_Entry, ...]
    vocabulary: Words

    def word(self, text: str) -> _Word:
        """A word with those of its forms that there are."""
        forms = {known for known in self.vocabulary if _are_forms(text, known)}
        if len(text) > _SHORTEST_STEM:
            forms |= {*difflib.get_close_matches(text, self.vocabulary, n=5, cutoff=_ALIKE)}
        if not forms and len(text) >= _SHORTEST_ABBREVIATION:
            forms = {known for known in self.vocabulary if known.startswith(text)}
        having = sum(not entry.words.isdisjoint(forms) for entry in self.entries)
        weight = math.log((1 + len(self.entries)) / having) if having else _UNKNOWN
        return _Word(frozenset(forms), weight)

    def split(self, place: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """The sections that there are, and what stands behind them."""
        there = {entry.key.place for entry in self.entries if entry.key.section is not None}
        depth = 0
        while depth < len(place) - 1 and tuple(place[: depth + 1]) in there:
            depth += 1
        return place[:depth], place[depth:]


def meant_by(section: type[BaseModel], place: Sequence[str]) -> list[Key]:
    """The keys of a section and of those within it that a name may mean, best first; maybe none.

    Args:
        section: what the place is in.
        place: the name, behind those of the sections that it was looked for in.
    """
    scores = _scores(section, place)
    best = sorted(scores, key=lambda key: -scores[key])[:_AT_MOST]
    enough = max([_ENOUGH, *(_BESIDE_BEST * scores[key] for key in best[:1])])
    return [key for key in best if scores[key] >= enough]


def is_another_word(section: type[BaseModel], place: Sequence[str]) -> bool:
    """Whether a name is another word for a key of the section that it was looked for in."""
    return max(_scores(section, place).values(), default=0.0) == _LEADS_TO_IT


def _scores(section: type[BaseModel], place: Sequence[str]) -> dict[Key, float]:
    """The score of every key."""
    index = _index_of(section)
    above, asked = index.split(place)
    name = [index.word(word) for word in _words_of(" ".join(asked))]
    if not name:
        return {}
    return {
        entry.key: entry.share(name) * (1 if _is_within(entry.key, above) else _ELSEWHERE)
        for entry in index.entries
    }


@cache
def _index_of(section: type[BaseModel]) -> _Index:
    entries = tuple(
        _Entry(
            key,
            tuple(frozenset(_words_of(name)) for name in (key.place[-1], *key.found_by)),
            frozenset(_words_of(" ".join((str(key), *key.found_by, key.description)))),
        )
        for key in keys_of(section)
    )
    return _Index(entries, frozenset().union(*(entry.words for entry in entries)))


def _words_of(text: str) -> list[str]:
    """The words of a name or a text, in lower case, but for those that only count."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = re.findall(r"\d*[^\W\d_]+", apart.lower())
    return [word for word in words if word not in _COUNTING]


def _are_forms(word: str, other: str) -> bool:
    """Whether one of two words is the other with an ending."""
    short, long = sorted((word, other), key=len)
    ending = len(long) - len(short)
    are_long = short == long or len(short) >= _SHORTEST_STEM
    return are_long and ending <= _LONGEST_ENDING and long.startswith(short)


def _is_within(key: Key, above: Sequence[str]) -> bool:
    return key.place[: len(above)] == tuple(above) != key.place
