"""Registers: the CSVs that people write. Reading them, checking a whole estate of them, and changing them by rows.

What is asked on a day is decided elsewhere; nothing here knows a log, a plugin's rules or the network.
"""

from __future__ import annotations

from collect_assets.registers.reading import (
    Endpoint,
    EndpointRegister,
    Problem,
    Skip,
    endpoint_id,
    endpoints_of,
    parse_date,
    read_endpoints,
    secret_in,
)

__all__ = [
    "Endpoint",
    "EndpointRegister",
    "Problem",
    "Skip",
    "endpoint_id",
    "endpoints_of",
    "parse_date",
    "read_endpoints",
    "secret_in",
]
