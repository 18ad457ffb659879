"""The words of records, for searching text: runs of letters and digits, in lower case and without accents.

One rule in SQL for what is indexed and for what is asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from collect_assets.store.database import literal

LONGEST_WORD = 100  # characters; what is longer is data, such as an encoded picture
_NO_NAMES = r"""regexp_replace(value, '"(?:[^"\\]|\\.)*":', ' ', 'g')"""
_IS_NESTED = "left(value, 1) IN ('{', '[') AND json_valid(value)"


def words_sql(text: str) -> str:
    """SQL for the list of words of a text, in order."""
    return rf"regexp_extract_all(strip_accents(lower({text})), '[\p{{L}}\p{{N}}]+')"


def record_words_sql(records: str, without: Iterable[str]) -> str:
    """SQL for `version_no` and `word` of each word in the values of records, but for those of some fields.

    Values are taken out of a record in one go, field by field: merging it with what is left out costs twice as much.

    Args:
        records: SQL for a table with `version_no` and `record`.
        without: fields whose values have no words.
    """
    names = ", ".join(map(literal, without)) or "NULL"
    values = "SELECT version_no, unnest(json_keys(record)) AS field, unnest(record ->> '$.*') AS value"
    text = f"CASE WHEN {_IS_NESTED} THEN {_NO_NAMES} ELSE value END"
    return (
        f"SELECT version_no, word FROM (SELECT version_no, unnest({words_sql(text)}) AS word "
        f"FROM ({values} FROM {records}) WHERE (field IN ({names})) IS NOT TRUE) WHERE length(word) <= {LONGEST_WORD}"
    )
