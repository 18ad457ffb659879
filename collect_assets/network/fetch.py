"""Fetching one URL by hand, through the gate, for a notebook or a script."""

from __future__ import annotations

from pathlib import Path

from collect_assets.collection import Limits, Politeness
from collect_assets.network.addresses import AddressRules
from collect_assets.network.gate import Gate
from collect_assets.network.messages import Answer, Request
from collect_assets.version import __version__


def fetch(
    url: str,
    folder: Path,
    *,
    limits: Limits | None = None,
    rules: AddressRules | None = None,
    user_agent: str = f"collect_assets/{__version__}",
) -> Answer:
    """What a URL serves, with the body in a file of `folder` (`Answer.part`), under all the rules of the gate.

    Args:
        url: http or https.
        folder: where the body goes; it is made where it is missing.
        limits: of bytes, seconds and attempts; the defaults of a collection when left out.
        rules: which non-public addresses may be asked; none when left out.
        user_agent: who asks; a contact in it is good manners.

    Raises:
        FetchError: nothing came, or it was refused; a bad status is an answer and no error.
        StorageError: the folder cannot be written.
    """
    with Gate(
        limits=limits or Limits(),
        politeness=Politeness(),
        user_agent=user_agent,
        rules=rules or AddressRules.none(),
        work=folder,
    ) as gate:
        return gate.fetch(Request(url))
