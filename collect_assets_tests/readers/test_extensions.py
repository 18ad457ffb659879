"""Extensions of Darwin Core Archives: rows that become lists inside of the records to which they belong."""

from __future__ import annotations

import pytest

from collect_assets.items import nesting

DWC = "http://rs.tdwg.org/dwc/terms/"
GBIF = "http://rs.gbif.org/terms/1.0/"
CORE = "id\tname\nt1\tOak\nt2\tAsh\nt3\tElm\n"
NAMES = "coreid\tvernacularName\tlanguage\nt1\tEiche\tde\nt1\tchêne\tfr\nt2\tEsche\tde\n"


def extension(
    row_type: str = GBIF + "VernacularName",
    file: str = "names.txt",
    key: str = '<coreid index="0"/>',
    fields: str = f'<field index="1" term="{DWC}vernacularName"/><field index="2" term="http://purl.org/dc/terms/language"/>',
) -> str:
    files = f"<files><location>{file}</location></files>" if file else ""
    return (
        f'<extension encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" '
        f'ignoreHeaderLines="1" rowType="{row_type}">{files}{key}{fields}</extension>'
    )


def descriptor(*extensions: str, core_id: str = '<id index="0"/>') -> str:
    return (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="\\t" '
        f'linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{DWC}Taxon">'
        f'<files><location>taxa.txt</location></files>{core_id}<field index="1" term="{DWC}scientificName"/></core>'
        f"{''.join(extensions)}</archive>"
    )


def test_rows_of_an_extension_are_a_list_in_their_record(read, zipped):
    found = read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": CORE, "names.txt": NAMES}))
    german, french = {"language": "de", "vernacularName": "Eiche"}, {"language": "fr", "vernacularName": "chêne"}
    assert found.records == [
        {"id": "t1", "scientificName": "Oak", "VernacularName": [german, french]},
        {"id": "t2", "scientificName": "Ash", "VernacularName": [{"language": "de", "vernacularName": "Esche"}]},
        {"id": "t3", "scientificName": "Elm"},
    ]
    assert found.rows[0][2].startswith('{"VernacularName":[')
    assert found.report.columns == ("id", "scientificName", "VernacularName")


def test_the_order_of_extension_rows_changes_no_record(read, zipped):
    header, *rows = NAMES.splitlines()
    turned = "\n".join([header, *reversed(rows)]) + "\n"
    one, other = (
        read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": CORE, "names.txt": names})).rows
        for names in (NAMES, turned)
    )
    assert one == other


def test_a_change_in_an_extension_changes_its_record_and_no_other(read, zipped):
    one, other = (
        read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": CORE, "names.txt": names})).rows
        for names in (NAMES, NAMES.replace("Esche", "Ash tree"))
    )
    assert [a[1] == b[1] for a, b in zip(one, other, strict=True)] == [True, False, True]


def test_equal_rows_stay_as_often_as_they_are_there(read, zipped):
    names = NAMES + "t2\tEsche\tde\n"
    found = read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": CORE, "names.txt": names}))
    assert len(found.records[1]["VernacularName"]) == 2


def test_rows_that_belong_to_no_record_are_named(read, zipped):
    names = NAMES + "t9\tx\ty\nt8\tx\ty\nt8\tx\tz\n\tx\ty\n"
    report = read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": CORE, "names.txt": names})).report
    assert report.notes == (
        "VernacularName: 4 rows belong to no record, such as t8, t9; 1 of them name none; they are left out",
    )
    assert report.rejected == 0


def test_a_row_of_an_extension_that_cannot_be_read_proves_no_absence(read, zipped):
    names = NAMES + "t3\tUlme\n"
    found = read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": CORE, "names.txt": names}))
    assert (found.report.records, found.report.rejected, found.report.proves_absence) == (3, 1, False)
    assert found.rejects[0][:2] == (4, 5)
    assert "names.txt" in found.rejects[0][2]


def test_extensions_of_one_row_type_make_one_list_and_two_of_one_name_keep_their_address(read, zipped):
    files = {"taxa.txt": CORE, "names.txt": NAMES, "more.txt": "id\tn\tl\nt3\tUlme\tde\n"}
    found = read(zipped({"meta.xml": descriptor(extension(), extension(file="more.txt")), **files}))
    assert [len(record.get("VernacularName", [])) for record in found.records] == [2, 1, 1]
    other = extension("http://example.org/VernacularName", "more.txt")
    found = read(zipped({"meta.xml": descriptor(extension(), other), **files}))
    assert "http://example.org/VernacularName" in found.records[2]
    assert GBIF + "VernacularName" in found.records[0]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (extension(file=""), "names no file"),
        (extension(key=""), "has no <coreid>"),
        (extension(file="https://example.org/names.txt"), "VernacularName is at another address, https://example.org"),
    ],
)
def test_an_extension_that_cannot_be_joined_is_left_out_with_a_note(read, zipped, broken, said):
    found = read(zipped({"meta.xml": descriptor(broken, extension()), "taxa.txt": CORE, "names.txt": NAMES}))
    assert found.report.records == 3
    assert said in found.report.notes[0]
    assert len(found.records[0]["VernacularName"]) == 2


def test_an_extension_whose_file_is_missing_is_a_problem_of_the_archive(read, zipped):
    # Without its rows all records would seem changed.
    meta = descriptor(extension(file="other.txt"))
    assert "no other.txt" in read(zipped({"meta.xml": meta, "taxa.txt": CORE, "names.txt": NAMES})).report.problem


def test_a_core_without_an_id_has_orphans_only(read, zipped):
    meta = descriptor(extension(), core_id="")
    found = read(zipped({"meta.xml": meta, "taxa.txt": CORE, "names.txt": NAMES}))
    assert [record["scientificName"] for record in found.records] == ["Oak", "Ash", "Elm"]
    assert "3 rows belong to no record" in found.report.notes[0]


def test_large_extensions_are_joined_in_parts_and_the_order_of_records_stays(read, zipped, monkeypatch):
    monkeypatch.setattr(nesting, "PART", 200_000)
    order = [(number * 7919) % 30_000 for number in range(30_000)]
    core = "id\tname\n" + "".join(f"t{number}\tName {number}\n" for number in order)
    names = "id\tn\tl\n" + "".join(f"t{number % 30_000}\tn{number}\ten\n" for number in range(60_000))
    found = read(zipped({"meta.xml": descriptor(extension()), "taxa.txt": core, "names.txt": names}))
    assert found.ids == [f"t{number}" for number in order]
    assert all(
        {row["vernacularName"] for row in record["VernacularName"]} == {f"n{number}", f"n{number + 30_000}"}
        for number, record in zip(order, found.records, strict=True)
    )
