"""Which record protocol an answer speaks, by the namespace of its first element.

Of DiGIR, TAPIR and BioCASe only what describes a provider counts: a saved page of records is a document like any other.
"""

from __future__ import annotations

import re

_FIRST = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->)*<(?:[\w.-]+:)?(response|inventory|OAI-PMH)\b[^>]*>", re.DOTALL
)
_DESCRIBES = re.compile(rb"<(?:[\w.-]+:)?(?:metadata|capabilities|datasets)\b|>\s*(?:metadata|capabilities)\s*</")
_NAMESPACES = {
    b"http://digir.net/schema/protocol/": "digir",
    b"http://rs.tdwg.org/tapir/": "tapir",
    b"http://www.biocase.org/schemas/": "biocase",
}


def protocol_of(start: bytes) -> str:
    """The plugin for what begins so; blank where it is none of the protocols."""
    first = _FIRST.match(start)
    if first is None:
        return ""
    if first[1] == b"OAI-PMH":
        return "oai-pmh"
    plugin = next((plugin for namespace, plugin in _NAMESPACES.items() if namespace in first[0]), "")
    return plugin if _DESCRIBES.search(start) else ""
