"""The canonical form of a record and its hash: the same record gives the same hash, however it was written down.

Version 1: keys sorted by code point; strings in NFC, trimmed, without NUL; what is null or blank left out (in nested
objects too); whole numbers without a fraction; no spaces. The hash is the md5 of `<version>:` and that text. Tables get
it in SQL, streamed records in Python; a property test holds the two together.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any
from uuid import UUID

from collect_assets.errors import UnreadableError
from collect_assets.store.database import literal

CANONICAL_VERSION = 1
MAX_DEPTH = 200  # of one record; Python's own limit is near 1000 (fault F57)
BLANKS = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)))) + (
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_WHOLE = 1 << 53
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|.)")  # DuckDB writes the digits of escapes as capitals, Python does not


def canonical_text(text: str) -> str:
    """A string in canonical form: NFC, trimmed, without NUL; a half of a surrogate pair, no character, becomes `?`.

    Most texts are in it; to see that takes a third of the time of making it.
    """
    if text.isprintable() and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text.strip(" ")  # all other blanks are not printable, nor are NUL and halves of pairs
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    return text.replace("\0", "").strip(BLANKS)


def canonical_value(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value in canonical form; None where nothing is left of it.

    Raises:
        UnreadableError: it is nested too deep.
    """
    if isinstance(value, str):
        return canonical_text(value) or None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        return _number(value)
    if depth > MAX_DEPTH:
        raise UnreadableError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return _members(value, depth) or None
    if isinstance(value, Iterable):
        return [canonical_value(part, depth + 1) for part in value] or None
    return canonical_text(str(value)) or None


def canonical_record(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record in canonical form: as `canonical_value`, quicker where they are texts.

    Raises:
        UnreadableError: it is nested too deep.
    """
    record = {}
    for key, value in fields.items():
        if key != _canonical_key(key):
            return _members(fields, 0)
        if type(value) is str:
            # What `canonical_text` asks first, here without a call: most values are this.
            text = value.strip(" ") if value.isascii() and value.isprintable() else canonical_text(value)
            if text:
                record[key] = text
        elif (part := canonical_value(value, 1)) is not None:
            record[key] = part
    return record


@lru_cache(maxsize=10_000)
def _canonical_key(key: str) -> str:
    return canonical_text(key)


def _members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    """What is in an object; keys that differ in blanks only are told apart as columns of tables are, by `_2`."""
    cleaned = [
        (canonical_text(str(key)), part)
        for key, given in value.items()
        if (part := canonical_value(given, depth + 1)) is not None
    ]
    members = dict(cleaned)
    if len(members) == len(cleaned):
        return members
    members = {}
    for key, part in cleaned:
        free, count = key, 1
        while free in members:
            count += 1
            free = f"{key}_{count}"
        members[free] = part
    return members


def _number(value: float | Decimal) -> float | int | str:
    """`1.0` is 1: servers change between the two with their software. What a double cannot hold stays as text."""
    number = float(value)
    if not math.isfinite(number):
        return str(value)
    return int(number) if number.is_integer() and abs(number) < _WHOLE else number


def canonical_json(record: Mapping[str, Any]) -> str:
    """The canonical form of a record as text.

    Raises:
        UnreadableError: it is nested too deep.
    """
    return json_text(canonical_value(record) or {})


def json_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The text of a value that is in canonical form."""
    text = _ENCODER.encode(value)
    return _escaped(text) if "\\u" in text else text


def _escaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\\u" + found[1].upper() if found[1] else found[0], text)


def record_text(record: Mapping[str, Any]) -> str:
    """The text of a record that is in canonical form: `json_text`, three times as quick where it has texts only.

    Records of one source have few shapes; the order of the keys and what stands between values is made once for each.
    """
    if len(record) < 2:
        return json_text(record)
    template, in_order = _shape(tuple(record))
    try:
        text = template % tuple(map(encode_basestring, in_order(record)))
    except TypeError:
        return json_text(record)
    return _escaped(text) if "\\u" in text else text


@lru_cache(maxsize=1000)
def _shape(keys: tuple[str, ...]) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    in_order = sorted(keys)
    members = (json_text(key).replace("%", "%%") + ":%s" for key in in_order)
    return f"{{{','.join(members)}}}", itemgetter(*in_order)


def record_hash(canonical: str) -> UUID:
    """The hash of a record by its canonical form."""
    return UUID(hashlib.md5(f"{CANONICAL_VERSION}:{canonical}".encode(), usedforsecurity=False).hexdigest())


def hash_sql(canonical: str) -> str:
    """SQL for the hash (UUID) of a canonical form."""
    return f"md5('{CANONICAL_VERSION}:' || {canonical})::UUID"


def text_sql(cell: str) -> str:
    """SQL for a cell in canonical form; NULL where it is blank. The cell holds no NUL: readers leave them out.

    Trimming DuckDB's way builds a set of blanks for each cell, a third of the whole time; so cells that begin and end
    with visible ASCII go round it.
    """
    trimmed = f"trim(nfc_normalize({cell}), {_sql_blanks()})"
    visible = f"unicode({cell}) BETWEEN 33 AND 127 AND unicode({cell}[-1]) BETWEEN 33 AND 127"
    return f"nullif(CASE WHEN {visible} THEN nfc_normalize({cell}) ELSE {trimmed} END, '')"


def filled_sql(cells: Sequence[str]) -> str:
    """SQL for whether any cell of a row is more than blanks.

    Said of all cells in one text: the canonical text of each a second time would double what DuckDB has to plan.
    """
    if not cells:
        return "false"
    visible = f"unicode({cells[0]}) BETWEEN 33 AND 127"
    return f"CASE WHEN {visible} THEN true ELSE trim(concat({', '.join(cells)}), {_sql_blanks()}) <> '' END"


def json_sql(cells: Mapping[str, str], lists: Mapping[str, str] | None = None) -> str:
    """SQL for the canonical form of a record, from SQL for the canonical text of each of its fields.

    Args:
        cells: of fields that are texts.
        lists: of fields that are JSON in canonical form.
    """
    parts = [part for name in sorted({**cells, **(lists or {})}) for part in _member_sql(name, cells, lists or {})]
    return f"concat('{{', ltrim(concat({', '.join(parts)}), ','), '}}')" if parts else "'{}'"


def _member_sql(name: str, cells: Mapping[str, str], lists: Mapping[str, str]) -> list[str]:
    """A member as parts of one `concat` over all, which leaves out what is NULL.

    To join each key and value first takes twice as long. A text that is made stays one part nevertheless: asked whether
    it is there, DuckDB would plan it twice.
    """
    cell, key = lists.get(name, cells.get(name, "")), literal("," + json_text(name) + ":")
    value = cell if name in lists else f"to_json({cell})"
    return [f"CASE WHEN {cell} IS NOT NULL THEN {key} END", value] if cell.isidentifier() else [f"{key} || {value}"]


def odd_sql(record: str, cells: Sequence[str], *, beyond: bool, blanks: bool) -> str:
    """SQL for whether a record made of cells as they are may differ from its canonical form; blank where it cannot.

    DuckDB compares the first four bytes of a text without looking further, so the least of all cells tells whether one
    begins with a blank or is empty. The rest is asked of the record: of 20 cells it takes eight times as long. In JSON
    a quote inside of a text has a backslash before it, so a blank before a bare one ends a text.

    Args:
        record: SQL of the record, as `json_sql` makes it of cells without control characters.
        cells: SQL of the cells in it that are as they are.
        beyond: whether they may hold characters that NFC changes, or blanks that are no ASCII.
        blanks: whether they may begin or end with blanks, or be empty.
    """
    odd = [f"least({', '.join(cells)}) < '!'", f"contains({record}, ' \"')"] if blanks and cells else []
    return " OR ".join([*odd, f"strlen({record}) <> length({record})"] if beyond else odd)


def _sql_blanks() -> str:
    r"""The blanks as one literal, control characters as `\x09`, so that statements can be read and logged.

    As a chain of `chr` they were a third of what DuckDB planned for a small table, which takes longer than reading it.
    """
    return "E'" + "".join(blank if blank >= " " else f"\\x{ord(blank):02x}" for blank in BLANKS) + "'"
