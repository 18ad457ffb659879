"""Days in any order, twice, with failures among them: always the digest of an undisturbed fold."""

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collect_assets.collection import Collection
from collect_assets.errors import NoLogsError
from collect_assets.index.digest import digest, digest_of_all
from collect_assets.index.fold import fold
from collect_assets.index.publish import reading
from collect_assets_tests.index.kept import collection_at, day, keep, table

DAYS = 6
LIMIT = 2  # absences before deletion, the default


@dataclass(frozen=True)
class Served:
    """What an endpoint served: items, and rows that make the harvest prove nothing."""

    items: tuple[tuple[str, str], ...]
    blank_id: bool = False
    too_long: bool = False

    def content(self) -> bytes:
        rows = [(item, f"name {value}", "some words") for item, value in self.items]
        rows += [("", "no id", "some words")] if self.blank_id else []
        rows += [("z", "name z", "some words", "one", "too many")] if self.too_long else []
        return table(*rows)

    @property
    def proves_absence(self) -> bool:
        return bool(self.items) and not (self.blank_id or self.too_long)


# Few ids and few faults: an item has to be there, then absent twice from what proves it, then back, to show anything.
SERVED = st.builds(
    Served,
    items=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), min_size=1, max_size=3).map(tuple),
    blank_id=st.sampled_from([False] * 9 + [True]),
    too_long=st.sampled_from([False] * 9 + [True]),
)
NOTHING = Served(())
DAY = st.sampled_from(range(10)).flatmap(
    lambda luck: st.none() if luck == 0 else st.just(NOTHING) if luck == 1 else SERVED
)
HISTORY = st.tuples(*[st.lists(DAY, min_size=DAYS, max_size=DAYS)] * 2).map(
    lambda both: {
        (number, name): served
        for name, days in zip(("one", "two"), both, strict=True)
        for number, served in enumerate(days)
    }
)
A, B = Served((("a", "x"), ("b", "x"))), Served((("b", "x"),))
GONE_AND_BACK = {(number, "one"): served for number, served in enumerate([A, B, B, None, A, B])}


@dataclass
class Model:
    """The life cycle of one endpoint's items, in plain Python."""

    live: dict[str, str] = field(default_factory=dict)
    absences: dict[str, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    changes: dict[str, tuple[int, str]] = field(default_factory=dict)

    def apply(self, number: int, served: Served) -> None:
        first = {}
        for item, value in served.items:
            first.setdefault(item, value)
        for item, value in first.items():
            self.absences.pop(item, None)
            if self.live.get(item) != value:
                word = "updated" if item in self.live else "restored" if item in self.known else "created"
                self.changes[item] = (number, word)
            self.live[item] = value
            self.known.add(item)
        for item in set(self.live) - set(first):
            self.absences[item] = self.absences.get(item, 0) + served.proves_absence
            if self.absences[item] >= LIMIT:
                del self.live[item], self.absences[item], self.changes[item]


@contextmanager
def fresh_collection() -> Iterator[Collection]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield collection_at(folder / "c")
    finally:
        shutil.rmtree(folder)


def lay(collection: Collection, history: dict[tuple[int, str], Served | None], number: int) -> None:
    for (when, name), served in history.items():
        if when == number:
            keep(collection, day(number), name, served.content() if served else None)


def items_as_of(collection: Collection, when: dt.date) -> dict[tuple[str, str], tuple[str, int, str]]:
    with reading(collection) as connection:
        rows = connection.execute(
            "SELECT endpoint, item_id, record ->> 'name', first_date, change FROM item_version JOIN endpoint "
            "USING (endpoint_no) WHERE first_date <= $1 AND (last_date IS NULL OR last_date >= $1)",
            [when],
        ).fetchall()
    return {(endpoint, item): (name, (first - day(0)).days, change) for endpoint, item, name, first, change in rows}


def expected(history: dict[tuple[int, str], Served | None], upto: int) -> dict[tuple[str, str], tuple[str, int, str]]:
    from collect_assets.registers import endpoint_id

    found = {}
    for name in ("one", "two"):
        model = Model()
        for number in range(upto + 1):
            served = history.get((number, name))
            if served is not None:
                model.apply(number, served)
        endpoint = endpoint_id(f"https://example.org/{name}")
        found.update({(endpoint, i): (f"name {v}", *model.changes[i]) for i, v in model.live.items()})
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(history=GONE_AND_BACK, steps=[(True, 4), (False, 4), (True, 1), (False, 2), (True, 0), (False, 5)])
@given(history=HISTORY, steps=st.lists(st.tuples(st.booleans(), st.integers(0, DAYS - 1)), max_size=8))
def test_any_order_of_days_ends_in_the_digest_of_an_undisturbed_fold_and_in_the_items_of_the_model(history, steps):
    last = max(number for number, _ in history)
    with fresh_collection() as disturbed, fresh_collection() as undisturbed:
        laid = set()
        for lays, number in steps:
            if lays:
                lay(disturbed, history, number)
                laid.add(number)
            else:
                try:
                    fold(disturbed, day(number))
                except NoLogsError:
                    assert not any(when <= number for when, _ in history if when in laid)
        for number in range(DAYS):
            lay(undisturbed, history, number)
            if number not in laid:
                lay(disturbed, history, number)
        fold(disturbed, day(last))
        fold(undisturbed, day(last))

        assert digest(disturbed) == digest(undisturbed)
        first = min(number for number, _ in history)
        for number in range(first, last + 1):
            assert items_as_of(undisturbed, day(number)) == expected(history, number), number


def test_deleting_what_is_derived_and_folding_again_ends_in_the_same_digest(tmp_path):
    collection = collection_at(tmp_path / "c")
    for number, names in enumerate([("a", "b"), ("a",), ("a", "c"), ("b", "c")]):
        keep(collection, day(number), "one", table(*((name, f"name {name}", "words") for name in names)))
        fold(collection, day(number))
    before = digest_of_all(digest(collection))

    shutil.rmtree(collection.derived)
    fold(collection, day(3))

    assert digest_of_all(digest(collection)) == before


def test_a_day_that_arrives_late_corrects_history_and_leaves_the_present_as_it_is(tmp_path):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "old", "words")))
    keep(collection, day(2), "one", table(("a", "new", "words")))
    fold(collection, day(2))
    now = {key: value[0] for key, value in items_as_of(collection, day(2)).items()}

    keep(collection, day(1), "one", table(("a", "between", "words")))
    fold(collection, day(1))

    assert [value[0] for value in items_as_of(collection, day(1)).values()] == ["between"]
    assert {key: value[0] for key, value in items_as_of(collection, day(2)).items()} == now


def test_folding_again_publishes_nothing_new(tmp_path):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "old", "words")))
    first = fold(collection, day(0))

    second = fold(collection, day(0))

    assert first.index == second.index
    assert not second.changes


@pytest.mark.parametrize("toml", ["", "[items]\nabsences-before-deletion = 1\n"])
def test_a_rule_of_the_life_cycle_that_changes_derives_the_index_again(tmp_path, toml):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "x", "words"), ("b", "x", "words")))
    keep(collection, day(1), "one", table(("a", "x", "words")))
    fold(collection, day(1))

    again = fold(collection_at(tmp_path / "c", toml), day(1))

    assert bool(again.rebuilt) == bool(toml)
    assert {item for _, item in items_as_of(collection, day(1))} == ({"a"} if toml else {"a", "b"})


def test_a_register_that_changes_the_id_rule_of_an_endpoint_folds_its_days_again(tmp_path):
    collection = collection_at(tmp_path / "c")
    log = keep(collection, day(0), "one", table(("a", "x", "words"), ("b", "y", "words")))
    fold(collection, day(0))
    register = "endpoint,endpoint-url,parameters\n" + f'{log.endpoint},{log.endpoint_url},"{{""id"": ""name""}}"\n'
    (tmp_path / "c" / "endpoint.csv").write_text(register)

    fold(collection, day(0))

    assert {item for _, item in items_as_of(collection, day(0))} == {"x", "y"}


def test_an_item_is_deleted_at_its_second_absence_and_restored_when_it_is_back(tmp_path):
    collection = collection_at(tmp_path / "c")
    for number, served in enumerate([A, B, B, A]):
        keep(collection, day(number), "one", served.content())
    report = fold(collection, day(3))

    changes = [(c.created, c.updated, c.restored, c.deleted) for c in report.changes.values()]
    assert changes == [(2, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)]
    states = ["".join(sorted(item for _, item in items_as_of(collection, day(number)))) for number in range(4)]
    assert states == ["ab", "ab", "b", "ab"]
