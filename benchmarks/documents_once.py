"""`python -m benchmarks.documents_once <document> <tag>`: reads XML in steps, and prints processor seconds of each.

`bare`: lxml walks over the elements of that tag and does nothing with them. `reader`: their fields. `lines`: that, and
their canonical form as text. `all`: that, and the Parquet file with ids, hashes and geometry.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from collect_assets.items.identity import IdRule
from collect_assets.items.lines import write_lines
from collect_assets.items.writing import write_records
from collect_assets.readers.formats import open_source
from collect_assets.readers.source import Scratch, Source, Stream, read_start, scratch_files
from collect_assets.store.database import MemoryDatabase
from lxml import etree


def main(document: Path, tag: str) -> dict[str, float]:
    """Each step from the bytes on."""
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as work, scratch_files(Path(work)) as scratch:
        begun = time.process_time()
        for _, element in etree.iterparse(document, tag=tag, resolve_entities=False, no_network=True):
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
        seconds["bare"] = time.process_time() - begun

        begun = time.process_time()
        for _entry in _opened(document, scratch).entries:
            pass
        seconds["reader"] = time.process_time() - begun

        begun = time.process_time()
        write_lines(_opened(document, scratch).entries, scratch)
        seconds["lines"] = time.process_time() - begun
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))

        with closing(MemoryDatabase(scratch.folder())) as memory:
            with memory.connection(spatial=True):
                pass  # a day's resources share one database; loading it is no part of one of them
            begun = time.process_time()
            opened = _opened(document, scratch)
            written = write_records(opened, IdRule(), scratch.file(), scratch.file(), scratch, memory)
            seconds["all"] = time.process_time() - begun
    return {**seconds, "records": written.records, "rejected": written.rejected, "peak": int(peak.split()[1]) * 1024}


def _opened(document: Path, scratch: Scratch) -> Stream:
    opened = open_source(Source(document, read_start(document), scratch))
    if not isinstance(opened, Stream):
        raise TypeError(opened.format)
    return opened


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
