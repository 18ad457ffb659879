"""Checking registers: each thing that can be wrong in a row is found, named, and weighed by whether the row goes on."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from collect_assets.errors import SettingsError
from collect_assets.registers import endpoint_id
from collect_assets.tending.check_sources import source_id
from collect_assets.tending.checking import Report, check_registers
from collect_assets.tending.findings import CODES, Finding
from collect_assets.tending.fixing import fixes

TODAY = dt.date(2026, 8, 21)
ENDPOINT = ("endpoint", "endpoint-url", "parameters", "plugin", "entry-date", "start-date", "end-date")
SOURCE = (
    "source",
    "collection",
    "documentation-url",
    "endpoint",
    "organisation",
    "pipelines",
    "start-date",
    "end-date",
)
OLD = ("old-resource", "status", "resource", "notes")
A, B = "https://example.org/a.csv", "https://example.org/b.csv"
ENDED = "2025-01-01"


def check(*folders: Path) -> Report:
    return check_registers(folders, today=TODAY)


def write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(out.getvalue().encode())


def endpoint(url: str = A, **cells: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in cells.items()}
    return {"endpoint": endpoint_id(url), "endpoint-url": url, "entry-date": "2024-01-01", **named}


def source(url: str = A, **cells: str) -> dict[str, str]:
    named = {"collection": "trees", "organisation": "kew", "pipelines": "tree", "endpoint": endpoint_id(url)}
    named |= {name.replace("_", "-"): value for name, value in cells.items()}
    return {"source": source_id(named["collection"], named["organisation"], named["endpoint"]), **named}


def found(
    tmp_path: Path,
    endpoints: Sequence[Mapping[str, str]] = (),
    sources: Sequence[Mapping[str, str]] | None = None,
    old: Sequence[Mapping[str, str]] = (),
) -> list[Finding]:
    """What is found beside a good endpoint with its source; with sources of their own unless some are given."""
    folder = tmp_path / "trees"
    made = [source(row["endpoint-url"]) | {"endpoint": row["endpoint"]} for row in endpoints]
    made = [row | {"source": source_id("trees", "kew", row["endpoint"])} for row in made if row["endpoint"].strip()]
    write(folder / "endpoint.csv", ENDPOINT, [endpoint(B), *endpoints])
    write(folder / "source.csv", SOURCE, [source(B), *(made if sources is None else sources)])
    write(folder / "old-resource.csv", OLD, old)
    return list(check(folder).findings)


def test_registers_in_order_have_no_findings(tmp_path: Path) -> None:
    moved = [{"old-resource": "a" * 64, "status": "301", "resource": "b" * 64}]
    assert found(tmp_path, [endpoint()], old=[*moved, {"old-resource": "c" * 64, "status": "410"}]) == []


WRONG_ENDPOINTS = {
    "hash-mismatch": endpoint(endpoint="0" * 64),
    "no-url": endpoint("", endpoint="0" * 64),
    "bad-url": endpoint("www.example.org/a.csv"),
    "unknown-plugin": endpoint(plugin="ARCGIS"),
    "bad-parameters": endpoint(parameters='{"max_page_size": "many"}', plugin="arcgis"),
    "parameters": endpoint(parameters='{"page": 1}'),
    "url-space": endpoint("https://example.org/a b.csv"),
    "secret": endpoint("https://example.org/a.csv?token=abc"),
    "no-hash": endpoint(endpoint=""),
    "spaces": endpoint(plugin=" wfs"),
    "date-order": endpoint(start_date="2025-06-01", end_date="2025-05-01"),
    "future-start": endpoint(start_date="2027-01-01"),
    "bad-date": endpoint(start_date="soon"),
    "date-form": endpoint(end_date="2025-05-01T00:00:00Z"),
}


@pytest.mark.parametrize("url", ["https://[::1/a.csv", "https://example.org:99999/a.csv", "https://example.org:0/"])
def test_an_address_or_a_port_that_there_is_not_cannot_be_asked(tmp_path: Path, url: str) -> None:
    assert "bad-url" in {finding.code for finding in found(tmp_path, [endpoint(url)])}


@pytest.mark.parametrize("code", WRONG_ENDPOINTS)
def test_what_is_wrong_with_an_endpoint_is_found(tmp_path: Path, code: str) -> None:
    findings = found(tmp_path, [WRONG_ENDPOINTS[code]])
    follow = {"unknown-plugin"} if code == "spaces" else {"ended-endpoint"} if "date" in code else {"no-source"}
    assert {finding.code for finding in findings} - follow == {code}
    finding = next(finding for finding in findings if finding.code == code)
    assert (finding.file, finding.row) == (tmp_path / "trees" / "endpoint.csv", 3)


@pytest.mark.parametrize(
    "code", ["hash-mismatch", "no-url", "bad-url", "unknown-plugin", "bad-parameters", "url-space"]
)
def test_in_a_row_that_has_ended_it_weighs_less(tmp_path: Path, code: str) -> None:
    (before,) = (each for each in found(tmp_path, [WRONG_ENDPOINTS[code]]) if each.code == code)
    (after,) = (each for each in found(tmp_path, [WRONG_ENDPOINTS[code] | {"end-date": ENDED}]) if each.code == code)
    assert before.severity == CODES[code][0]
    assert after.severity == before.severity.less != before.severity


WRONG_SOURCES = {
    "source-hash": source() | {"source": "0" * 32},
    "unknown-endpoint": source("https://example.org/nowhere.csv"),
    "other-collection": source(collection="forest"),
    "no-organisation": source(organisation=""),
    "no-pipelines": source(pipelines=""),
    "future-end": source(end_date="2027-01-01"),
    "secret": source(documentation_url="https://user:secret@example.org/"),
    "spaces": source(documentation_url="https://example.org/ "),
    "only-ended-sources": source(end_date=ENDED),
    "bad-date": source(end_date="31/12/2025"),
}


@pytest.mark.parametrize("code", WRONG_SOURCES)
def test_what_is_wrong_with_a_source_is_found(tmp_path: Path, code: str) -> None:
    findings = found(tmp_path, [endpoint()], [WRONG_SOURCES[code]])
    assert {finding.code for finding in findings} - {"no-source"} == {code}
    finding = next(finding for finding in findings if finding.code == code)
    assert finding.file.name == ("endpoint.csv" if code == "only-ended-sources" else "source.csv")
    assert finding.row == 3


def test_an_active_source_of_an_ended_endpoint_is_found_unless_another_row_of_it_goes_on(tmp_path: Path) -> None:
    ended = endpoint(end_date=ENDED)
    assert [finding.code for finding in found(tmp_path, [ended], [source()])] == ["ended-endpoint"]
    assert [finding.code for finding in found(tmp_path, [ended, endpoint()], [source()])] == ["duplicate"]


def test_an_endpoint_without_a_source_is_found(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, [endpoint()], [])
    assert (finding.code, finding.severity, finding.row) == ("no-source", "error", 3)


def test_the_same_endpoint_twice_is_a_duplicate_and_the_very_same_row_is_one_that_can_go(tmp_path: Path) -> None:
    (twice,) = found(tmp_path, [endpoint(), endpoint(entry_date="2025-01-01")], [source()])
    assert (twice.code, twice.row, twice.fix) == ("duplicate", 4, None)
    (same,) = found(tmp_path, [endpoint(), endpoint()], [source()])
    assert (same.code, same.row, same.fix and same.fix.remove) == ("duplicate-row", 4, True)


def test_the_same_source_twice_is_found_though_their_ids_differ(tmp_path: Path) -> None:
    again = source(pipelines="hedge") | {"source": "0" * 32}
    findings = found(tmp_path, [endpoint()], [source(), again])
    assert {(finding.code, finding.row) for finding in findings} == {("duplicate", 4), ("source-hash", 4)}


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("bad-status", {"old-resource": "a" * 64, "status": "404"}),
        ("no-resource", {"old-resource": "a" * 64, "status": "301"}),
        ("gone-with-resource", {"old-resource": "a" * 64, "status": "410", "resource": "b" * 64}),
        ("bad-hash", {"old-resource": "a.csv", "status": "410"}),
        ("moved-twice", {"old-resource": "a" * 64, "status": "301", "resource": "a" * 64}),
    ],
)
def test_what_is_wrong_with_an_old_resource_is_found(tmp_path: Path, code: str, row: Mapping[str, str]) -> None:
    (finding,) = found(tmp_path, old=[row])
    assert (finding.code, finding.file.name, finding.row) == (code, "old-resource.csv", 2)


def test_an_old_resource_twice_says_whether_the_two_agree(tmp_path: Path) -> None:
    row = {"old-resource": "a" * 64, "status": "410"}
    (notes,) = found(tmp_path, old=[row, row | {"notes": "again"}])
    (other,) = found(tmp_path, old=[row, row | {"status": "301", "resource": "b" * 64}])
    assert (notes.code, other.code) == ("duplicate", "duplicate")
    assert "other notes" in notes.reason
    assert "another status and resource" in other.reason


def test_a_rule_for_hosts_that_does_not_hold_is_found(tmp_path: Path) -> None:
    found(tmp_path)
    (tmp_path / "trees" / "host.csv").write_text("host,at-once\narcgis.com,2\nexample.org,many\n")
    (finding,) = check(tmp_path / "trees").findings
    assert (finding.code, finding.file.name, finding.row) == ("bad-host", "host.csv", 3)


SENSITIVE = {
    "field,value,decimals\n,Aquila,1\n": ("bad-sensitive", 2, "nothing is hidden"),
    "field,value,decimals\ngenus,*,1\n": ("bad-sensitive", 2, "nothing is hidden"),
    "field,value,decimals\ngenus,Aquila,one\n": ("bad-sensitive", 2, "expected 0 to 5"),
    "field,value,decimals\ngenus,Aquila,6\n": ("bad-sensitive", 2, "not told at all"),
    "field,value,decimal\ngenus,Aquila,1\n": ("unknown-column", 1, "decimal; there are field, value, decimals"),
    "field,decimals\ngenus,1\n": ("unreadable", 0, "value"),
    "field,value,decimals\ngenus,Aquila,1\ngenus,aquila,2\n": ("duplicate", 3, "tells less holds"),
    "field,value,decimals\ngenus,Aquila,1\n\ngenus,Milvus,2\n": ("blank-row", 3, "nothing stands"),
    "field,value,decimals\ngenus, Aquila,1\n": ("spaces", 2, "value"),
    "field,value,decimals\ngenus,Aquila,1,0\n": ("ragged", 2, "4"),
}


@pytest.mark.parametrize("content", SENSITIVE)
def test_what_is_wrong_with_a_rule_for_sensitive_places_is_found(tmp_path: Path, content: str) -> None:
    found(tmp_path)
    (tmp_path / "trees" / "sensitive.csv").write_text(content)
    (finding,) = check(tmp_path / "trees").findings
    code, row, reason = SENSITIVE[content]
    assert (finding.code, finding.file.name, finding.row) == (code, "sensitive.csv", row)
    assert reason in finding.reason


def test_rules_for_sensitive_places_in_order_have_no_findings(tmp_path: Path) -> None:
    found(tmp_path)
    rules = "field,value,decimals,who,why\ngenus,Aquila*,1,Ana,nests\ngenus,Milvus,,,\n"
    (tmp_path / "trees" / "sensitive.csv").write_text(rules)
    assert not check(tmp_path / "trees").findings


def test_an_endpoint_of_two_collections_is_noted_in_the_second(tmp_path: Path) -> None:
    for name in ("hedges", "trees"):
        write(tmp_path / name / "endpoint.csv", ENDPOINT, [endpoint()])
        write(tmp_path / name / "source.csv", SOURCE, [source(collection=name)])
    (finding,) = check(tmp_path).findings
    assert (finding.collection, finding.code, finding.severity) == ("trees", "duplicate-across", "note")
    assert "hedges" in finding.reason


def test_bytes_before_the_header_odd_line_ends_and_blank_rows_are_found(tmp_path: Path) -> None:
    path = tmp_path / "trees" / "endpoint.csv"
    path.parent.mkdir()
    path.write_bytes(
        f"\ufeffendpoint,endpoint-url\r\n{endpoint_id(A)},{A}\n\r\n,\r\n{endpoint_id(B)},{B},x\r\n".encode()
    )
    findings = [(finding.code, finding.row) for finding in check(path.parent).findings if finding.code != "no-source"]
    assert findings == [("bom", 1), ("mixed-line-ends", 2), ("blank-row", 3), ("blank-row", 4), ("ragged", 5)]


def test_a_register_that_cannot_be_read_is_an_error_and_the_others_are_checked(tmp_path: Path) -> None:
    for name in ("bad", "good", "toml"):
        write(tmp_path / name / "endpoint.csv", ENDPOINT, [endpoint(endpoint="0" * 64)])
    (tmp_path / "bad" / "endpoint.csv").write_bytes(b"\xff\xfe")
    (tmp_path / "bad" / "source.csv").write_text("endpoint\nx\n")
    (tmp_path / "toml" / "collection.toml").write_text("colour = 1")
    (tmp_path / "only-sources").mkdir()
    write(tmp_path / "only-sources" / "source.csv", SOURCE, [])
    codes = [(finding.collection, finding.file.name, finding.code) for finding in check(tmp_path).findings]
    assert set(codes) == {
        ("bad", "endpoint.csv", "unreadable"),
        ("bad", "source.csv", "unreadable"),
        ("good", "endpoint.csv", "hash-mismatch"),
        ("toml", "collection.toml", "settings"),
        ("toml", "endpoint.csv", "hash-mismatch"),
        ("only-sources", "endpoint.csv", "unreadable"),
    }


def test_a_folder_without_collections_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no collection"):
        check(tmp_path)


MENDED = {
    "a missing id": (endpoint(endpoint=""), endpoint()),
    "an id in capitals": (endpoint(endpoint=endpoint_id(A).upper()), endpoint()),
    "a URL with spaces that its id does not have": (endpoint(endpoint_url=f" {A} "), endpoint()),
    "spaces around a plugin and a date": (
        endpoint(plugin=" wfs ", end_date="2025-01-01 "),
        endpoint(plugin="wfs", end_date="2025-01-01"),
    ),
}


@pytest.mark.parametrize("what", MENDED)
def test_what_is_certain_is_mended(tmp_path: Path, what: str) -> None:
    before, after = MENDED[what]
    changes, _ = fixes(found(tmp_path, [before]))
    (change,) = (change for change in changes if change.path.name == "endpoint.csv")
    write(tmp_path / "expected.csv", ENDPOINT, [endpoint(B), after])
    assert change.after == (tmp_path / "expected.csv").read_bytes()


@pytest.mark.parametrize(
    "row", [endpoint(endpoint="0" * 64), endpoint(f"{A} "), endpoint(plugin="ARCGIS"), endpoint("www.example.org")]
)
def test_what_only_a_person_can_know_is_left(tmp_path: Path, row: Mapping[str, str]) -> None:
    assert fixes(found(tmp_path, [row], [source(row["endpoint-url"], endpoint=row["endpoint"])])) == ([], [])


@pytest.fixture(scope="session")
def real(corpus: Path) -> Report:
    return check(corpus / "config-collection")


def test_the_real_registers_have_the_findings_that_are_known(real: Report) -> None:
    assert len(real.collections) == 55
    assert sum(checked.endpoints for checked in real.collections) == 4674
    assert sum(checked.sources for checked in real.collections) == 6874
    codes = Counter((finding.code, finding.file.name) for finding in real.findings)
    severity = Counter((finding.code, finding.severity.value) for finding in real.findings)
    assert severity["hash-mismatch", "error"] == 3
    assert severity["hash-mismatch", "warning"] == 1
    assert codes["no-url", "endpoint.csv"] == 3
    assert codes["bad-url", "endpoint.csv"] == 9  # of 12 without a scheme; three have no URL at all
    assert codes["source-hash", "source.csv"] == 47
    assert codes["only-ended-sources", "endpoint.csv"] == 10
    assert codes["no-source", "endpoint.csv"] == 1
    assert codes["unknown-plugin", "endpoint.csv"] == 0
    # 10 around and 9 inside are rows that have ended, 7 inside are active; two have both
    assert severity["url-space", "warning"] == 7
    # one of brownfield-land is known; three are sources of the rows whose URLs carry a token, which are not here
    unknown = {(finding.collection, finding.row) for finding in real.findings if finding.code == "unknown-endpoint"}
    assert unknown == {("brownfield-land", 1387), ("local-plan", 208), ("local-plan", 213), ("local-plan", 214)}
    # 76 rows of old-resource.csv repeat one of their collection, and one more does but for a space before it
    old = [finding for finding in real.findings if finding.file.name == "old-resource.csv"]
    assert len({(f.collection, f.row) for f in old if f.code in {"duplicate", "duplicate-row"}}) == 76 + 1


def test_the_real_duplicates_and_ended_endpoints_are_those_that_are_known(real: Report, corpus: Path) -> None:
    ids: dict[tuple[str, int], str] = {}
    rows: Counter[str] = Counter()
    for path in sorted((corpus / "config-collection").glob("*/endpoint.csv")):
        for number, cells in enumerate(csv.DictReader(io.StringIO(path.read_text(), newline="")), 2):
            ids[path.parent.name, number] = cells["endpoint"]
            rows[cells["endpoint"]] += 1
    found = [f for f in real.findings if f.file.name == "endpoint.csv" and f.code.startswith("duplicate")]
    repeated = {ids[f.collection, f.row] for f in found}
    known = {name for name, count in rows.items() if count > 1}
    # 112 in the whole estate; one pair was among the rows that are not here, and one is the hash of no URL at all
    assert len(known) == 112 - 1
    assert known - repeated == {hashlib.sha256(b"").hexdigest()}
    ended = [f for f in real.findings if f.code == "ended-endpoint"]
    # 42 endpoints have an ended row and an active source; two of them have another row that goes on
    assert len({f.reason for f in ended}) == 42 - 2


def test_the_real_registers_are_mended_and_what_was_mended_is_not_found_again(
    real: Report, corpus: Path, tmp_path: Path
) -> None:
    changes, mended = fixes(real.findings)
    assert Counter(finding.code for finding in mended) == {"source-hash": 47, "duplicate-row": 50, "spaces": 7}
    for change in changes:
        copy = tmp_path / change.path.parent.name
        copy.mkdir(exist_ok=True)
        for file in ("endpoint.csv", "source.csv", "old-resource.csv"):
            if not (copy / file).exists():
                (copy / file).write_bytes((change.path.parent / file).read_bytes())
        (copy / change.path.name).write_bytes(change.after)
        before, after = change.before.split(b"\n"), change.after.split(b"\n")
        untouched = set(before) & set(after)
        assert sum(line not in untouched for line in before) <= sum(f.file == change.path for f in mended)
    assert fixes(check(tmp_path).findings) == ([], [])
