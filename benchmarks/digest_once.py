"""Prints the digest of a collection's index. Started by the benchmarks in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.index.digest import digest, digest_of_all


def main() -> None:
    """`<collection>`."""
    print(json.dumps(digest_of_all(digest(Collection.at(Path(sys.argv[1]))))))


if __name__ == "__main__":
    main()
