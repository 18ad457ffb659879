"""Registers: what people write is read whole or refused, and a bad row stops nothing."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.errors import RegisterError
from collect_assets.registers import EndpointRegister, endpoint_id, endpoints_of, parse_date, read_endpoints
from collect_assets_tests.collecting.kit import Folder

DAY = dt.date(2026, 3, 1)
A, B = "https://example.org/a.csv", "https://example.org/b.csv"


def read(folder: Folder, content: bytes, *plugins: str) -> EndpointRegister:
    (folder.path / "endpoint.csv").write_bytes(content)
    return read_endpoints(folder.path / "endpoint.csv", plugins=("", *plugins))


def refused(folder: Folder, content: bytes) -> str:
    with pytest.raises(RegisterError) as caught:
        read(folder, content)
    assert str(folder.path / "endpoint.csv") in str(caught.value)
    return str(caught.value)


def skipped(folder: Folder, row: dict[str, str]) -> tuple[str, str]:
    """The word and the message for a bad row, which stands between two good ones."""
    folder.register(A, row, B)
    register = read_endpoints(folder.path / "endpoint.csv")
    assert [endpoint.url for endpoint in register.endpoints] == [A, B]
    (skip,), (problem,) = register.skips, register.problems
    assert (skip.row, skip.why, skip.url) == (3, problem.skip, row["endpoint-url"])
    assert str(problem).startswith("endpoint.csv, row 3: ")
    assert problem.reason == skip.reason
    return skip.why, problem.reason


def test_a_register_with_bom_and_crlf_is_read(folder: Folder) -> None:
    register = read(folder, f"\ufeffendpoint-url,endpoint\r\n{A},{endpoint_id(A)}\r\n{B},{'0' * 64}\r\n".encode())
    (endpoint,) = register.endpoints
    assert (endpoint.url, endpoint.endpoint, endpoint.row) == (A, endpoint_id(A), 2)
    assert [skip.why for skip in register.skips] == ["hash-mismatch"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_line_ends_give_the_same_endpoints(folder: Folder, line_end: str) -> None:
    register = read(folder, line_end.join(["endpoint,endpoint-url", f"{endpoint_id(A)},{A}", f",{B}", ""]).encode())
    assert [endpoint.url for endpoint in register.endpoints] == [A, B]


def test_extra_columns_are_ignored_and_optional_ones_may_be_missing(folder: Folder) -> None:
    (endpoint,) = read(folder, f"note,endpoint-url , colour\nhello,{A},green,too,many\n".encode()).endpoints
    assert (endpoint.endpoint, endpoint.url, endpoint.plugin, endpoint.parameters) == (endpoint_id(A), A, "", {})
    assert (endpoint.start_date, endpoint.end_date) == (None, None)


def test_blank_rows_are_passed_over_and_counted_as_rows(folder: Folder) -> None:
    register = read(folder, f"endpoint,endpoint-url,plugin\n\n,,\n , ,\n,{A},\n".encode())
    assert [(endpoint.url, endpoint.row) for endpoint in register.endpoints] == [(A, 5)]
    assert register.problems == ()


def test_a_short_row_has_blanks_at_its_end(folder: Folder) -> None:
    (endpoint,) = read(folder, f"endpoint-url,plugin,end-date\n{A}\n".encode()).endpoints
    assert (endpoint.plugin, endpoint.end_date) == ("", None)


def test_an_id_that_is_not_the_hash_of_the_url_is_skipped_and_the_right_one_named(folder: Folder) -> None:
    why, reason = skipped(folder, {"endpoint": "0" * 64, "endpoint-url": "https://example.org/c"})
    assert why == "hash-mismatch"
    assert endpoint_id("https://example.org/c") in reason


def test_the_id_is_of_the_url_exactly_as_registered(folder: Folder) -> None:
    url = "https://Example.org/a b.csv?x=%C3%A9 "
    folder.register(url)
    (endpoint,) = read_endpoints(folder.path / "endpoint.csv").endpoints
    assert (endpoint.url, endpoint.endpoint) == (url, endpoint_id(url))


def test_a_row_without_url_is_skipped(folder: Folder) -> None:
    assert skipped(folder, {"endpoint": "ab" * 32, "endpoint-url": ""})[0] == "no-url"


@pytest.mark.parametrize(
    "url",
    ["www.example.org/a.csv", "example.org:8080/a", "//example.org/a", "/a.csv", "www.example.org/?of=https://x.org"],
)
def test_a_url_without_scheme_is_skipped_and_the_remedy_named(folder: Folder, url: str) -> None:
    why, reason = skipped(folder, {"endpoint-url": url})
    assert why == "bad-url"
    assert url in reason
    assert "https://" in reason


def test_a_url_that_cannot_be_parsed_is_skipped(folder: Folder) -> None:
    assert skipped(folder, {"endpoint-url": "https://[::1/a"})[0] == "bad-url"


def test_an_unknown_plugin_is_skipped_and_the_known_ones_named(folder: Folder) -> None:
    content = f"endpoint-url,plugin\n{A},gopher\n{B},wfs\n".encode()
    register = read(folder, content, "wfs", "arcgis")
    assert [endpoint.plugin for endpoint in register.endpoints] == ["wfs"]
    assert register.skips[0].why == "unknown-plugin"
    assert "'gopher'" in register.problems[0].reason
    assert "arcgis, wfs" in register.problems[0].reason


@pytest.mark.parametrize("text", ["31/12/2025", "2025-13-01", "2025-02-30", "soon", "20250101", "0000-01-01"])
@pytest.mark.parametrize("column", ["start-date", "end-date"])
def test_an_unreadable_date_is_skipped(folder: Folder, column: str, text: str) -> None:
    why, reason = skipped(folder, {"endpoint-url": "https://example.org/c", column: text})
    assert why == "bad-date"
    assert text in reason
    assert "YYYY-MM-DD" in reason


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("", None),
        (" ", None),
        ("2025", dt.date(2025, 1, 1)),
        ("2025-06", dt.date(2025, 6, 1)),
        ("2025-06-07", dt.date(2025, 6, 7)),
        ("2025-06-07T01:02:03.123Z", dt.date(2025, 6, 7)),
        (" 2025-06-07 10:00 ", dt.date(2025, 6, 7)),
    ],
)
def test_a_date_may_be_truncated_or_carry_a_time(text: str, day: dt.date | None) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text", ["{", "[1]", '"a"', "id=x", '{"a": NaN}', '{"a": [1e999]}', "[" * 100_000, '{"a":' * 50_000]
)
def test_parameters_that_are_not_a_json_object_are_skipped(folder: Folder, text: str) -> None:
    why, reason = skipped(folder, {"endpoint-url": "https://example.org/c", "parameters": text})
    assert why == "bad-parameters"
    assert text[:100] in reason
    assert len(reason) < 1000


def test_parameters_reach_the_endpoint(folder: Folder) -> None:
    folder.register({"endpoint-url": A, "parameters": '{"id": ["reference"], "max_page_size": 20}'})
    (endpoint,) = read_endpoints(folder.path / "endpoint.csv").endpoints
    assert endpoint.parameters == {"id": ["reference"], "max_page_size": 20}


@pytest.mark.parametrize("ended_first", [True, False])
def test_of_an_ended_and_an_active_row_for_one_endpoint_the_active_one_counts(
    folder: Folder, ended_first: bool
) -> None:
    ended, active = {"endpoint-url": A, "end-date": "2025-01-01"}, {"endpoint-url": A}
    folder.register(*([ended, active] if ended_first else [active, ended]))
    register = read_endpoints(folder.path / "endpoint.csv")
    assert [endpoint.url for endpoint in register.active(DAY)] == [A]
    assert "row 2" in str(register.problems[0])
    assert register.skips == ()


def test_an_endpoint_is_not_collected_from_its_end_date_on(folder: Folder) -> None:
    folder.register({"endpoint-url": A, "end-date": "2026-03-01"}, {"endpoint-url": B, "end-date": "2026-03-02"})
    register = read_endpoints(folder.path / "endpoint.csv")
    assert [endpoint.url for endpoint in register.active(DAY)] == [B]


def test_a_missing_register_says_what_is_needed(folder: Folder) -> None:
    with pytest.raises(RegisterError, match=r"endpoint\.csv: no such file; .* endpoint-url"):
        read_endpoints(folder.path / "endpoint.csv")


def test_a_register_that_is_a_folder_is_refused(folder: Folder) -> None:
    (folder.path / "endpoint.csv").mkdir()
    with pytest.raises(RegisterError, match=r"endpoint\.csv: cannot be read"):
        read_endpoints(folder.path / "endpoint.csv")


def test_a_register_without_its_columns_is_refused_with_the_header_it_has(folder: Folder) -> None:
    message = refused(folder, b"url,name\nx,y\n")
    assert "lacks the column endpoint-url" in message
    assert "url, name" in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"PK\x03\x04" + bytes(range(128, 256)),
        f"endpoint,endpoint-url\n,{A}\n".encode("utf-16"),
        f"endpoint,endpoint-url\n,{A}\n".encode("utf-16-le"),
        f"endpoint,endpoint-url\n,{A}\0\n".encode(),
        b"endpoint,endpoint-url\n,https://example.org/caf\xe9\n",
        b"endpoint-url," + b"x" * (2 << 20),
        f'"endpoint-url\n{A}\n{B}\n'.encode(),
    ],
    ids=["empty", "png", "zip", "utf-16", "utf-16 without mark", "NUL", "latin-1", "endless header", "open header"],
)
def test_what_is_not_a_csv_is_refused_in_one_line(folder: Folder, content: bytes) -> None:
    message = refused(folder, content)
    assert "\n" not in message
    assert len(message) < 1000


def test_the_endpoints_of_an_organisation_come_from_source_csv(folder: Folder) -> None:
    source = folder.path / "source.csv"
    source.write_text(f"source,endpoint,organisation\n1,{endpoint_id(A)},kew\n2,{endpoint_id(B)},rbge\n3,,kew\n")
    assert endpoints_of(source, "kew") == {endpoint_id(A)}
    assert endpoints_of(source, "nobody") == set()


def test_a_missing_source_csv_is_not_called_an_endpoint_csv(folder: Folder) -> None:
    with pytest.raises(RegisterError, match=r"source\.csv: no such file") as caught:
        endpoints_of(folder.path / "source.csv", "kew")
    assert "endpoint.csv" not in str(caught.value)
    assert "organisation" in str(caught.value)


@given(st.lists(st.lists(st.text(max_size=12), min_size=7, max_size=7), max_size=8))
def test_whatever_stands_in_rows_every_row_ends_as_endpoint_skip_or_blank(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("register") / "endpoint.csv"
    clean = [[cell.replace("\0", "").encode("utf-8", "ignore").decode() for cell in row] for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["endpoint", "endpoint-url", "parameters", "plugin", "entry-date", "start-date", "end-date"], *clean]
        )
    register = read_endpoints(path)
    filled = sum(any(cell.strip() for cell in row) for row in clean)
    assert len(register.endpoints) + len(register.problems) == filled


@pytest.fixture(scope="session")
def real_registers(corpus: Path) -> dict[str, EndpointRegister]:
    plugins = ("", "arcgis", "wfs", "sparql")
    paths = sorted((corpus / "config-collection").glob("*/endpoint.csv"))
    return {path.parent.name: read_endpoints(path, plugins=plugins) for path in paths}


def test_the_real_registers_are_read_and_every_row_accounted_for(real_registers: dict[str, EndpointRegister]) -> None:
    assert len(real_registers) == 55
    registers = real_registers.values()
    rows = sum(len(register.endpoints) + len(register.problems) for register in registers)
    assert rows == 4674  # 4,677 less the three whose URLs carry a token
    why = Counter(skip.why for register in registers for skip in register.skips)
    assert why == {"hash-mismatch": 4, "no-url": 3, "bad-url": 9}  # nine begin with www.


def test_the_real_hash_mismatches_are_those_that_are_known(real_registers: dict[str, EndpointRegister]) -> None:
    found = {
        (name, skip.endpoint[:8])
        for name, register in real_registers.items()
        for skip in register.skips
        if skip.why == "hash-mismatch"
    }
    assert found == {
        ("conservation-area", "bd9c3cc5"),
        ("historic-england", "796a1747"),
        ("tree-preservation-order", "f03c741f"),
        ("tree-preservation-order", "6478f837"),
    }


def test_the_real_registers_have_the_known_plugins_duplicates_and_parameters(
    real_registers: dict[str, EndpointRegister],
) -> None:
    endpoints = [endpoint for register in real_registers.values() for endpoint in register.endpoints]
    assert {endpoint.plugin for endpoint in endpoints} == {"", "arcgis", "wfs", "sparql"}
    assert [endpoint.parameters for endpoint in endpoints if endpoint.parameters] == [{"max_page_size": 20}]
    repeated = [p for p in real_registers["brownfield-land"].problems if "the same endpoint" in p.reason]
    assert len({p.reason for p in repeated}) == 75


C, D = "https://example.org/c.csv", "https://example.org/d.csv"


@pytest.mark.parametrize(
    ("rows", "swallowed"),
    [
        ([f'{B},"oops', C, D], "row 5"),
        ([f'{B},"oops', f'{C},x"', D], "row 4"),
        ([f'"{B},oops', f'{C},"x",y', D], "row 4"),
        ([f'{B},"several', "lines, and", "one of them", C, D], "row 7"),
    ],
)
def test_a_quote_that_is_not_closed_costs_its_own_row_and_no_other(
    folder: Folder, rows: list[str], swallowed: str
) -> None:
    register = read(folder, "\n".join(["endpoint-url,notes", A, *rows, ""]).encode())
    assert [endpoint.url for endpoint in register.endpoints] == [A, C, D]
    problem = register.problems[0]
    assert (problem.row, problem.skip) == (3, "open-quote")
    assert swallowed in problem.reason
    assert register.skips[0].row == 3


def test_a_quote_that_is_open_at_the_end_of_the_file_is_a_problem_too(folder: Folder) -> None:
    register = read(folder, f'endpoint-url,notes\n{A},\n{B},"oops\nand so on\n'.encode())
    assert [endpoint.url for endpoint in register.endpoints] == [A]
    assert [(p.row, p.skip) for p in register.problems] == [(3, "open-quote"), (4, "bad-url")]


def test_a_cell_of_several_lines_is_one_cell(folder: Folder) -> None:
    notes = f"seen at\n{C}\r\n\r\nand, with commas, at {D},"
    folder.register(A, B)
    with (folder.path / "endpoint.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["endpoint", "endpoint-url", "notes"], ["", A, notes], ["", B, ""]])
    register = read_endpoints(folder.path / "endpoint.csv")
    assert [(endpoint.url, endpoint.row) for endpoint in register.endpoints] == [(A, 2), (B, 6)]
    assert register.problems == ()


@pytest.mark.parametrize("column", ["endpoint-url", "parameters", "notes"])
def test_a_cell_of_more_than_a_megabyte_costs_its_own_row_and_no_other(folder: Folder, column: str) -> None:
    row = {"endpoint-url": C, "parameters": "", "notes": ""} | {column: "https://" + "x" * (1 << 20)}
    lines = ["endpoint-url,parameters,notes", f"{A},,", ",".join(row.values()), f"{B},,", ""]
    register = read(folder, "\n".join(lines).encode())
    assert [endpoint.url for endpoint in register.endpoints] == [A, B]
    (problem,), (skip,) = register.problems, register.skips
    assert (problem.row, problem.skip, skip.why) == (3, "too-long", "too-long")
    assert column in problem.reason
    assert len(problem.reason) + len(skip.url) < 1000


def test_the_endpoints_of_an_organisation_are_read_past_an_open_quote(folder: Folder) -> None:
    source = folder.path / "source.csv"
    source.write_text(f'endpoint,organisation,notes\n{endpoint_id(A)},kew,"oops\n{endpoint_id(B)},kew,\n')
    assert endpoints_of(source, "kew") == {endpoint_id(B)}


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://example.org/a?x=1&{}=s3cr3t", key)
        for key in ("token", "key", "apikey", "api_key", "API-Key", "access_token", "sig", "signature", "password",
                    "secret", "client_secret", "code", "subscription-key", "X-Amz-Signature")
    ] + [("https://{}:s3cr3t@example.org/", "user name")],
)  # fmt: skip
def test_a_url_that_looks_like_it_carries_a_secret_is_warned_about_and_collected(
    folder: Folder, url: str, named: str
) -> None:
    url = url.format(named if named != "user name" else "me")
    folder.register(A, url)
    register = read_endpoints(folder.path / "endpoint.csv")
    assert [endpoint.url for endpoint in register.endpoints] == [A, url]
    (problem,) = register.problems
    assert (problem.row, problem.skip, register.skips) == (3, "", ())
    assert named in problem.reason
    assert "s3cr3t" not in problem.reason


@pytest.mark.parametrize("query", ["token=", "atcoAreaCodes=930", "q=token", "keyword=oak", "#token=x"])
def test_a_url_without_a_secret_is_not_warned_about(folder: Folder, query: str) -> None:
    folder.register(f"https://example.org/a?{query}")
    assert read_endpoints(folder.path / "endpoint.csv").problems == ()
