"""Spreadsheets made by hand: the least that a reader takes for an xlsx, an xls and an ods."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[str | float]]
_SHEET_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def xlsx(sheets: dict[str, Rows], hidden: Sequence[str] = ()) -> bytes:
    numbered = list(enumerate(sheets.items(), 1))
    state = dict.fromkeys(hidden, 'state="hidden"')
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}" {state.get(name, "")}/>' for n, (name, _) in numbered
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_SHEET_KINDS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in numbered
    )
    types = f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
    top = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_SHEET_KINDS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    )
    parts = {
        "[Content_Types].xml": types,
        "_rels/.rels": top,
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_SHEET_KINDS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        **{f"xl/worksheets/sheet{n}.xml": _xlsx_sheet(rows) for n, (_, rows) in numbered},
    }
    return _zipped(parts)


def _xlsx_sheet(rows: Rows) -> str:
    cells = "".join("<row>" + "".join(map(_xlsx_cell, row)) + "</row>" for row in rows)
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{cells}</sheetData></worksheet>'


def _xlsx_cell(cell: str | float) -> str:
    if isinstance(cell, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f"<c><v>{cell!r}</v></c>"


def ods(rows: Rows) -> bytes:
    office, table, text = (f"urn:oasis:names:tc:opendocument:xmlns:{part}:1.0" for part in ("office", "table", "text"))
    lines = "".join("<t:table-row>" + "".join(map(_ods_cell, row)) + "</t:table-row>" for row in rows)
    content = (
        f'<o:document-content xmlns:o="{office}" xmlns:t="{table}" xmlns:x="{text}"><o:body><o:spreadsheet>'
        f'<t:table t:name="Sites">{lines}</t:table></o:spreadsheet></o:body></o:document-content>'
    )
    content = content.replace("<t:", "<table:").replace("</t:", "</table:").replace(" t:", " table:")
    content = content.replace("<o:", "<office:").replace("</o:", "</office:").replace(" o:", " office:")
    content = content.replace("<x:", "<text:").replace("</x:", "</text:").replace("xmlns:o=", "xmlns:office=")
    content = content.replace("xmlns:t=", "xmlns:table=").replace("xmlns:x=", "xmlns:text=")
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return _zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _ods_cell(cell: str | float) -> str:
    if isinstance(cell, str):
        return f'<t:table-cell o:value-type="string"><x:p>{escape(cell)}</x:p></t:table-cell>'
    return f'<t:table-cell o:value-type="float" o:value="{cell!r}"/>'


def _zipped(parts: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def xls(rows: Rows) -> bytes:
    """BIFF8 in a compound file of one stream."""
    begin = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    name = "Sites"
    sheet_record = struct.pack("<IBBBB", 0, 0, 0, len(name), 0) + name.encode()
    place = len(begin) + len(_record(0x85, sheet_record)) + 4
    sheet_record = struct.pack("<I", place) + sheet_record[4:]
    stream = begin + _record(0x85, sheet_record) + _record(0x0A, b"")
    stream += _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            stream += _xls_cell(number, column, cell)
    return _compound(stream + _record(0x0A, b""))


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _xls_cell(row: int, column: int, cell: str | float) -> bytes:
    head = struct.pack("<HHH", row, column, 0)
    if isinstance(cell, str):
        return _record(0x204, head + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le"))
    return _record(0x203, head + struct.pack("<d", cell))


def _compound(stream: bytes) -> bytes:
    """Sector 0 is the table of sectors, 1 the directory, and the stream follows, too long for a short one."""
    stream = stream.ljust(4096, b"\0")
    sectors = -(-len(stream) // 512)
    stream = stream.ljust(sectors * 512, b"\0")
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *(number + 3 for number in range(sectors - 1)), 0xFFFFFFFE]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", 0, *([0xFFFFFFFF] * 108))
    table = struct.pack("<128I", *chain, *([0xFFFFFFFF] * (128 - len(chain))))
    root = _entry("Root Entry", 5, 1, 0xFFFFFFFE, 0)
    book = _entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream))
    return header + table + (root + book).ljust(512, b"\0") + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    named = (name + "\0").encode("utf-16-le")
    entry = named.ljust(64, b"\0") + struct.pack("<HBBIII", len(named), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
    return entry + bytes(36) + struct.pack("<IQ", start, size)
