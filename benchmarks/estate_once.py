"""Loads the definitions of a folder of collections, as Dagster's code server does, and says how long each part took."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Prints seconds of importing Dagster, importing ours, building, and resolving all jobs; and what there is."""
    begun = time.perf_counter()
    import dagster  # noqa: F401

    imported = time.perf_counter()
    from collect_assets.orchestration.build import build_definitions

    ready = time.perf_counter()
    repository = build_definitions(Path(sys.argv[1])).get_repository_def()
    jobs = repository.get_all_jobs()
    ended = time.perf_counter()
    print(
        json.dumps(
            {
                "dagster-seconds": imported - begun,
                "import-seconds": ready - imported,
                "build-seconds": ended - ready,
                "assets": len(repository.asset_graph.get_all_asset_keys()),
                "jobs": len(jobs),
            }
        )
    )


if __name__ == "__main__":
    main()
