"""The door for Dagster: the Definitions of every collection below `COLLECTIONS`. They are made in orchestration/."""

from __future__ import annotations

import dagster as dg

from collect_assets.orchestration.build import build_definitions


@dg.definitions
def defs() -> dg.Definitions:
    """Called when Dagster loads the code location, not when this module is imported."""
    return build_definitions()
