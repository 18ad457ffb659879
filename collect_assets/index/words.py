"""The words of records, for searching text: in lower case, without accents, parted by all but letters and digits.

One rule in SQL for what is indexed and for what is asked. Text in ASCII, which is most, takes a way round the regular
expression, which costs three times as much.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from collect_assets.store.database import literal

LONGEST_WORD = 100  # characters; what is longer is data, such as an encoded picture
_BETWEEN = "".join(chr(code) for code in range(32, 127) if not chr(code).isalnum()) + "\t\n\r\x0b\x0c"
_NO_NAMES = r"""regexp_replace({text}, '"(?:[^"\\]|\\.)*":', ' ', 'g')"""


def words_sql(text: str) -> str:
    """SQL for the list of words of a text, in order; blank ones among them."""
    ascii_ = f"translate(lower({text}), {_literal(_BETWEEN)}, {literal(' ' * len(_BETWEEN))})"
    other = rf"regexp_replace(strip_accents(lower({text})), '[^\p{{L}}\p{{N}}]+', ' ', 'g')"
    return f"string_split(CASE WHEN strlen({text}) = length({text}) THEN {ascii_} ELSE {other} END, ' ')"


def record_text_sql(record: str, without: Iterable[str]) -> str:
    """SQL for the values of a record as one text, without those of some fields, and without the names of fields."""
    left_out = dict.fromkeys(without)
    kept = f"json_merge_patch({record}, {literal(json.dumps(left_out))})" if left_out else record
    text = f"array_to_string({kept} ->> '$.*', ' ')"
    nested = f"contains({record}, ':[') OR contains({record}, ':{{')"
    return f"CASE WHEN {nested} THEN {_NO_NAMES.format(text=text)} ELSE {text} END"


def _literal(text: str) -> str:
    return "E'" + "".join(c if c.isprintable() and c not in "\\'" else f"\\x{ord(c):02x}" for c in text) + "'"
