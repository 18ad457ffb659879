"""The canonical text of plain records: nothing but texts that are in canonical form and that JSON writes as they are.

Most records of XML are plain, and are then put together in a quarter of the time. The rule itself stands in
`canonical.py`; a property test holds the two together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from collect_assets.items.canonical import canonical_text, json_text


@dataclass(frozen=True)
class _Shape:
    """What is the same in all plain records with the same fields.

    Attributes:
        parts: the text of a record in its parts; every second one is a blank for a value.
        values: gives the values in the order of the text.
    """

    parts: list[str]
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]


def plain_text(fields: Mapping[str, Any]) -> str | None:
    """The canonical form of a record as text; None where it is not plain, or has less than two fields.

    All values are looked at as one text. A quote between two of them leaves each as it is: it is neither a blank, nor
    does it make one character with what follows it.
    """
    shape = _shape(tuple(fields))
    if shape is None:
        return None
    values = shape.values(fields)
    try:
        together = '"'.join(("", *values, ""))
    except TypeError:  # one of them is no text
        return None
    if not _is_plain(together, len(values)):
        return None
    parts = shape.parts.copy()
    parts[1::2] = values
    return "".join(parts)


def _is_plain(quoted: str, values: int) -> bool:
    """Whether values with a quote before, between and behind them are written as they are.

    They are when none is empty, or begins or ends with a blank, and none holds what JSON escapes; all other blanks, NUL
    and halves of surrogate pairs are not printable.
    """
    return (
        quoted.isprintable()
        and "\\" not in quoted
        and quoted.count('"') == values + 1
        and '""' not in quoted
        and '" ' not in quoted
        and ' "' not in quoted
        and (quoted.isascii() or unicodedata.is_normalized("NFC", quoted))
    )


@lru_cache(maxsize=1000)
def _shape(names: tuple[str, ...]) -> _Shape | None:
    """None where names are not in canonical form: then two of them may be one; and for less than two."""
    if len(names) < 2 or not all(map(_is_canonical, names)):
        return None
    in_order = sorted(names)
    parts = [part for name in in_order for part in (f'",{_key(name)}:"', "")]
    return _Shape([f'{{{_key(in_order[0])}:"', *parts[1:], '"}'], itemgetter(*in_order))


@lru_cache(maxsize=10_000)
def _is_canonical(name: str) -> bool:
    return name == canonical_text(name)


@lru_cache(maxsize=10_000)
def _key(name: str) -> str:
    return json_text(name)
