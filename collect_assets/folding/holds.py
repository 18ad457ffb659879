"""What waits for a decision, with samples, and deciding on it: a decision is a file, and the next fold applies it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import DecisionError
from collect_assets.index.publish import reading
from collect_assets.items.decisions import Decision, Verdict, decision_name, read_decisions, write_decisions
from collect_assets.items.records import read_report
from collect_assets.items.sensitive import generalised, sensitive_rules
from collect_assets.store.database import literal

SAMPLE = 10

HOLDS = """
SELECT h.held, h.entry_date, s.scope, e.endpoint, h.scope_no, h.reasons, h.items, h.deletions, h.creations, h.allowed,
       coalesce(w.deletions, 0), coalesce(w.creations, 0)
FROM hold h JOIN scope s USING (scope_no)
JOIN (SELECT scope_no, min(endpoint) AS endpoint FROM endpoint GROUP BY scope_no) e USING (scope_no)
LEFT JOIN (
    SELECT scope_no, held, count(*) FILTER (change = 'deleted') AS deletions,
           count(*) FILTER (change = 'created') AS creations
    FROM withheld WHERE last_date IS NULL AND reason = 'guard' GROUP BY ALL
) w ON w.scope_no = h.scope_no AND w.held = h.held
ORDER BY h.entry_date, s.scope, h.held
"""

DELETIONS = """
SELECT w.item_id, v.record FROM withheld w
JOIN item_version v ON v.scope_no = w.scope_no AND v.item_id = w.item_id AND v.last_date IS NULL
WHERE w.scope_no = $scope AND w.held = $held AND w.last_date IS NULL AND w.reason = 'guard' AND w.change = 'deleted'
ORDER BY w.item_id
"""

CREATIONS = """
SELECT w.item_id, w.record FROM withheld w
WHERE w.scope_no = $scope AND w.held = $held AND w.last_date IS NULL AND w.reason = 'guard' AND w.change = 'created'
ORDER BY w.item_id
"""

# Records that say the same, apart from their ids, on either side; only where there is one on each.
PAIRS = """
WITH side AS (
    SELECT 'old' AS side, item_id, {content} AS content FROM ({old}) o
    UNION ALL SELECT 'new', item_id, {content} FROM ({new}) n
)
SELECT any_value(item_id) FILTER (side = 'old'), any_value(item_id) FILTER (side = 'new') FROM side
GROUP BY md5(content) HAVING count(*) FILTER (side = 'old') = 1 AND count(*) FILTER (side = 'new') = 1 ORDER BY 1
"""

SENSITIVE_ITEMS = """
SELECT item_id, decimals, coalesce(why, '') FROM sensitive_item
WHERE scope_no = $scope AND item_id IN (SELECT unnest($items::VARCHAR[]))
"""

OBSERVED = """
SELECT o.reading, o.canonical_hash FROM observation o JOIN endpoint e USING (endpoint_no)
WHERE e.scope_no = $scope AND o.problem IS NULL
"""


@dataclass(frozen=True)
class Held:
    """A set of changes of one scope that was held on a day.

    Attributes:
        held: its hash, by which a decision names it.
        endpoint: whose items they are; one of them where several share their items.
        reasons: `loss`, `ids` or `nothing`.
        items: how many there were before.
        deletions, creations: how many were held.
        allowed: the share that would have passed.
        open_deletions, open_creations: how many of them still wait.
    """

    held: str
    entry_date: dt.date
    scope: str
    endpoint: str
    scope_no: int
    reasons: str
    items: int
    deletions: int
    creations: int
    allowed: float
    open_deletions: int
    open_creations: int

    @property
    def waits(self) -> bool:
        """Whether anything of it still waits."""
        return bool(self.open_deletions or self.open_creations)

    def __str__(self) -> str:
        said = []
        if self.deletions:
            said.append(f"{self.deletions} of {self.items} items would be deleted")
        if self.creations:
            said.append(f"{self.creations} would be created under other ids")
        passes = f"; {self.allowed:.0%} would pass" if self.allowed else ""
        empty = "the answer is empty: " if "nothing" in self.reasons.split() else ""
        return f"{self.entry_date} {self.endpoint[:12]} {self.held[:12]}: {empty}{', '.join(said)}{passes}"


@dataclass(frozen=True)
class Sample:
    """The first items of a held set, with their records."""

    deletions: tuple[tuple[str, dict[str, Any]], ...]
    creations: tuple[tuple[str, dict[str, Any]], ...]


def load_holds(connection: duckdb.DuckDBPyConnection, *, day: dt.date | None = None, all_: bool = False) -> list[Held]:
    """What waits for a decision, oldest first.

    Args:
        connection: to an index.
        day: only what was held on that day.
        all_: also what is decided, or was overtaken by what the endpoint served later.
    """
    found = [Held(*row) for row in connection.execute(HOLDS).fetchall()]
    return [held for held in found if (all_ or held.waits) and day in (None, held.entry_date)]


def holds(collection: Collection, *, day: dt.date | None = None, all_: bool = False) -> list[Held]:
    """As `load_holds`, from the published index.

    Raises:
        IndexUnavailableError: there is none, or it cannot be read.
    """
    with reading(collection) as connection:
        return load_holds(connection, day=day, all_=all_)


def sample(connection: duckdb.DuckDBPyConnection, held: Held, limit: int = SAMPLE) -> Sample:
    """The first items of what still waits of a held set."""
    values = {"scope": held.scope_no, "held": held.held}
    sides = []
    for query in (DELETIONS, CREATIONS):
        rows = connection.execute(f"{query} LIMIT {int(limit)}", values).fetchall()
        sides.append(tuple((item, json.loads(record)) for item, record in rows))
    return Sample(*sides)


def shown_sample(
    connection: duckdb.DuckDBPyConnection, collection: Collection, held: Held, limit: int = SAMPLE
) -> Sample:
    """As `sample`, with places of sensitive items as roughly as they are told: for what is kept elsewhere.

    Raises:
        RegisterError: `sensitive.csv` is there and cannot be read.
    """
    found, places = sample(connection, held, limit), sensitive_rules(collection).places
    items = [item for side in (found.deletions, found.creations) for item, _ in side]
    rows = connection.execute(SENSITIVE_ITEMS, {"scope": held.scope_no, "items": items}).fetchall()
    rough = {item: (decimals, why) for item, decimals, why in rows}

    def told(item: str, record: dict[str, Any]) -> dict[str, Any]:
        return generalised(record, *rough[item], places) if item in rough else record

    deletions, creations = (
        tuple((item, told(item, record)) for item, record in side) for side in (found.deletions, found.creations)
    )
    return Sample(deletions, creations)


def same_content(connection: duckdb.DuckDBPyConnection, collection: Collection, held: Held) -> dict[str, str]:
    """Old id to new id where both records say the same, apart from the id."""
    fields = json.dumps(dict.fromkeys(_id_fields(connection, collection, held)))
    content = f"replace(json_merge_patch(record, {literal(fields)})::VARCHAR, to_json(item_id)::VARCHAR, '')"
    query = PAIRS.format(content=content, old=DELETIONS, new=CREATIONS)
    return dict(connection.execute(query, {"scope": held.scope_no, "held": held.held}).fetchall())


def _id_fields(connection: duckdb.DuckDBPyConnection, collection: Collection, held: Held) -> list[str]:
    """The fields that made the ids, by the reports of what the scope served."""
    fields: dict[str, None] = {}
    for name, canonical_hash in connection.execute(OBSERVED, {"scope": held.scope_no}).fetchall():
        report = read_report(collection.derived / "record" / name / f"{canonical_hash}.parquet")
        fields |= dict.fromkeys(report.id_rule if report else ())
    return list(fields)


@dataclass(frozen=True)
class Choice:
    """Which of what waits is meant: by the beginning of the hash, of the endpoint, both, or all of it."""

    held: str = ""
    endpoint: str = ""
    all_: bool = False

    def of(self, waiting: Sequence[Held]) -> list[Held]:
        """Those that are meant.

        Raises:
            DecisionError: nothing is, or several where one was named.
        """
        if not (self.held or self.endpoint or self.all_):
            raise DecisionError("say what is meant: the hash of what is held, an endpoint, or all")
        found = [h for h in waiting if h.held.startswith(self.held) and h.endpoint.startswith(self.endpoint)]
        if not found:
            there = "; ".join(map(str, waiting[:5])) or "nothing"
            raise DecisionError(f"nothing of that waits for a decision; what does: {there}")
        if self.held and len(found) > 1:
            raise DecisionError(f"{self.held} is the beginning of several: {', '.join(h.held for h in found)}")
        return found


def decide(
    collection: Collection,
    verdict: Verdict,
    choice: Choice,
    *,
    who: str,
    why: str,
    entry_date: dt.date | None = None,
    ids: Mapping[str, str] | None = None,
) -> list[Path]:
    """Writes a decision on each held set that is meant; the next fold applies them.

    Args:
        collection: whose.
        verdict: `approve`, `reject` or `map`.
        choice: which of what waits.
        who: decides.
        why: for whoever reads it later.
        entry_date: from when on it holds; the newest day of the index when left out. Answers for earlier days stay.
        ids: old id to new id, for `map`; those whose records say the same when left out.

    Returns:
        The files.

    Raises:
        DecisionError: nothing is meant, who or why is blank, or the same was decided already.
        IndexUnavailableError: there is no index, or it cannot be read.
        StorageError: the files cannot be written.
    """
    with reading(collection) as connection:
        meant = choice.of(load_holds(connection))
        newest = (connection.execute("SELECT max(entry_date) FROM day").fetchone() or (None,))[0]
        day = entry_date or max(newest, *(held.entry_date for held in meant))
        made = []
        for held in meant:
            pairs = dict(ids or same_content(connection, collection, held)) if verdict == "map" else {}
            if verdict == "map" and not pairs:
                raise DecisionError(f"{held}: no records say the same under another id; give the ids in a file")
            name = decision_name(held.endpoint, day, held.held)
            decision = Decision(name, verdict, held.endpoint, day, held.held, held.entry_date, who, why, pairs)
            made.append(Decision.parse(name, decision.to_json()))  # what could not be read again is not written
    _refuse_twice(collection, made)
    return write_decisions(collection.decisions, made)


def _refuse_twice(collection: Collection, made: Sequence[Decision]) -> None:
    there = {(d.endpoint, d.held_on, d.held): d.name for d in read_decisions(collection.decisions)[0]}
    for decision in made:
        if earlier := there.get((decision.endpoint, decision.held_on, decision.held)):
            raise DecisionError(f"{earlier} has decided that; run `collect-assets index`, which applies it")
