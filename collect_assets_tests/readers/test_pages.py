"""Archives of pages: what a harvest keeps, and what providers pack themselves."""

from __future__ import annotations

import json

from collect_assets.readers.formats import open_source
from collect_assets.readers.source import Source, read_start, scratch_files
from collect_assets_tests.readers.xml_documents import digir_page, specimen


def harvest(*pages: str | bytes) -> dict[str, str | bytes]:
    names = [f"{n:06d}.xml" for n in range(1, len(pages) + 1)]
    tasks = [{"page": name, "request": f"start={n}"} for n, name in enumerate(names)]
    return {"tasks.json": json.dumps({"plugin": "digir", "tasks": tasks}), **dict(zip(names, pages, strict=True))}


def test_the_records_of_all_pages_are_read_in_order_and_name_their_page(read, zipped):
    pages = [digir_page(specimen(n) for n in range(start, start + 3)) for start in (0, 3, 6)]
    found = read(zipped(harvest(*pages)))
    assert found.ids == [f"BPBM|ent|{n}" for n in range(9)]
    assert [row[8] for row in found.rows] == ["000001.xml"] * 3 + ["000002.xml"] * 3 + ["000003.xml"] * 3
    assert (found.report.format, found.report.notes) == ("pages", ("3 pages read as digir, utf-8",))
    assert found.report.proves_absence


def test_a_page_that_cannot_be_read_is_on_record_and_the_others_count(read, zipped):
    pages = [
        digir_page([specimen(1), specimen(2)]),
        "<html><body>Service unavailable</body></html>",
        digir_page([specimen(3), specimen(4)]).partition(">4<")[0],
        digir_page([specimen(5)]).encode("utf-16"),
        b"",
    ]
    found = read(zipped(harvest(*pages)))
    assert found.ids == ["BPBM|ent|1", "BPBM|ent|2", "BPBM|ent|3", "BPBM|ent|5"]
    assert [row[0] for row in found.rejects] == [1, 2, 1]
    assert [row[2].rsplit(" ", 1)[-1] for row in found.rejects] == ["(000002.xml)", "(000003.xml)", "(000005.xml)"]
    assert not found.report.proves_absence


def test_a_page_that_the_list_names_and_the_archive_lacks_is_on_record(read, zipped):
    members = harvest(digir_page([specimen(1)]), digir_page([specimen(2)]))
    del members["000001.xml"]
    found = read(zipped(members))
    assert found.ids == ["BPBM|ent|2"]
    assert found.rejects[0][2].startswith("the archive has no 000001.xml")


def test_a_harvest_without_pages_is_empty(read, zipped):
    report = read(zipped(harvest())).report
    assert (report.records, report.rejected, report.problem) == (0, 0, "")


def test_a_damaged_list_of_tasks_is_no_empty_harvest(read, zipped):
    report = read(zipped({"tasks.json": '{"tasks": 3}', "000001.xml": digir_page([specimen(1)])})).report
    assert report.problem.startswith("tasks.json is not as expected")


def test_a_zip_of_documents_without_a_list_is_read_in_order_of_names(read, zipped):
    members = {f"response.{n:05d}.xml": digir_page([specimen(n)]) for n in (2, 1, 10)}
    found = read(zipped({**members, "eml.xml": "<eml/>"}))
    assert found.ids == ["BPBM|ent|1", "BPBM|ent|2", "BPBM|ent|10"]


def test_pages_are_never_taken_out_of_an_archive_within_the_archive(read, zipped):
    found = read(zipped({"a.xml": zipped(harvest(digir_page([specimen(1)])))}))
    assert "archive inside an archive" in found.report.problem
    members = harvest(digir_page([specimen(1)]), zipped(harvest()))
    assert "archive inside an archive" in read(zipped(members)).rejects[0][2]


def test_a_lone_document_without_a_list_is_read_as_itself(read, zipped):
    found = read(zipped({"folder/page.xml": digir_page([specimen(1)]), "eml.xml": "<eml/>"}))
    assert (found.report.format, found.report.member, found.ids) == ("digir", "folder/page.xml", ["BPBM|ent|1"])
    assert read(zipped({"page.xml": digir_page([specimen(1)]), "a.csv": "reference\nA\n"})).ids == ["A"]
    assert read(zipped(harvest(digir_page([specimen(1)])))).report.format == "pages"


def test_one_page_is_copied_out_at_a_time(tmp_path, zipped):
    archive, work = tmp_path / "harvest.zip", tmp_path / "work"
    archive.write_bytes(zipped(harvest(*(digir_page([specimen(n)]).encode("utf-16") for n in range(9)))))
    work.mkdir()
    with scratch_files(work) as scratch:
        opened = open_source(Source(archive, read_start(archive), scratch))
        copies = [len(list(work.iterdir())) for _ in opened.entries]
    assert len(copies) == 10  # nine records, and what the pages were read as
    assert max(copies) <= 2  # a page as it was, and as UTF-8
