"""What answers of the protocols say of their own records: errors, and counts that do not agree; no format in itself.

An error in place of records makes the page unreadable; one behind records leaves them, and the page proves no absence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from collect_assets.errors import UnreadableError
from collect_assets.readers.source import Reject

_ERRORS = {"error", "fatal"}
_MAX_SAID = 500


def error_said(
    diagnostics: Iterable[etree._Element], grade: str, records: int, harmless: frozenset[str] = frozenset()
) -> Iterator[Reject]:
    """The errors among the diagnostics of a page.

    Args:
        diagnostics: its elements.
        grade: the attribute that says how bad each is.
        records: how many records the page has.
        harmless: codes that say no more than that there are none.

    Raises:
        UnreadableError: there are errors, and no records.
    """
    bad = [found for found in diagnostics if (found.get(grade) or "").lower() in _ERRORS]
    said = "; ".join(_text(found) for found in bad if found.get("code") not in harmless)[:_MAX_SAID]
    if said and not records:
        raise UnreadableError(f"the provider answers with an error: {said}")
    if said:
        yield Reject(records + 1, None, f"the provider reports an error behind {records:,} records: {said}")


def missing_said(declared: str | None, records: int) -> Iterator[Reject]:
    """That a page has fewer records than it says that it has."""
    count = (declared or "").strip()
    if count.isdecimal() and int(count) > records:
        yield Reject(records + 1, None, f"the page says that it has {int(count):,} records, and has {records:,}")


def more_follow(plugin: str, records: int) -> Reject:
    """What a page by itself is short of, that says that it is not the last."""
    return Reject(
        records + 1, None, f"the page says that more records follow; the plugin {plugin} asks for all of them"
    )


def _text(diagnostic: etree._Element) -> str:
    return " ".join(f"{diagnostic.get('code') or ''} {diagnostic.text or ''}".split())
