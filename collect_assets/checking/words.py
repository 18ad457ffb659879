"""Why a URL cannot be collected, for the person who typed it: what it means, and what to do."""

from __future__ import annotations

from collect_assets.checking.report import Choice, Finding

_SERVER_ILL = "Try again later; if it stays so, tell the people who run the server."

_WHY: dict[str, tuple[str, str]] = {
    "dns": ("There is no server named {host}.", "Check the spelling of the name; copy the URL from a browser."),
    "dns-timeout": ("Nobody said in time where the server {host} is.", "Try again; check the spelling of the name."),
    "connect": ("The server {host} could not be connected to.",
                "Try again later, and from a browser. If it opens there, the server may let in only some networks."),
    "no-response": ("The server {host} closed the connection without an answer.", _SERVER_ILL),
    "timeout": ("The server {host} stopped answering.", _SERVER_ILL),
    "deadline": ("It was not done within the time of a check.",
                 "It may still be collected, where more time is given: check it again with more --seconds."),
    "too-slow": ("The server {host} sends so slowly that it would never be done.", _SERVER_ILL),
    "protocol": ("What the server {host} answers is not HTTP.", "Check the port and the scheme of the URL."),
    "tls": (("The secure connection to {host} failed: its certificate is expired, for another name, or not signed by "
            "anybody who is known; or the server speaks an outdated protocol."),
            "Tell the people who run the server. A browser shows the certificate behind the padlock."),
    "truncated": ("The file broke off before its end.", _SERVER_ILL),
    "encoding": ("The file is damaged: it says that it is compressed, and cannot be uncompressed.",
                 "Tell the people who run the server."),
    "redirects": ("The server sends from one URL to the next without end.",
                  "Open it in a browser, and type the URL where it ends."),
    "host-given-up": ("The server {host} could not be connected to.", "Try again later."),
    "empty": ("The server answered with nothing: the file is empty.", "Check that the file was published whole."),
    "html": ("This is a web page for people, not a file with data.",
             ("Find the link to the file itself on that page (CSV, GeoJSON, JSON), and type its URL. If it opens a "
             "file in your browser, it may need a login, which we do not have.")),
    "downgrade": ("The server sends from an encrypted URL to one that is not.",
                  'Type the http URL, or allow it by "allow-downgrade": true in the parameters.'),
    "too-large": ("The answer is larger than a check takes.", "Check it again with more --max-bytes."),
    "not-a-layer": ("This is an ArcGIS server, but not one of its layers.",
                    "Pick a layer: its URL ends in a number, such as …/FeatureServer/0."),
    "token-needed": ("The ArcGIS service wants a token, so it is not public.",
                     "Ask its owner to share the layer with everyone, or for another URL."),
    "not-features": ("This describes a Web Feature Service (WFS), and holds no data itself.",
                     "Pick a feature type, and type the URL that asks for it (GetFeature)."),
    "service-error": ("The service answered with an error in place of data.",
                      "Check the words in the URL, such as the name of the layer; else tell who runs the service."),
    "unavailable": ("The service says that it cannot answer now.", _SERVER_ILL),
    "incomplete": ("Only a part of it came.", _SERVER_ILL),
    "no-paging": ("The layer has more features than it gives at once, and no way to ask for the rest.",
                  "Ask its owner to switch on paging (supportsPagination), or for a file."),
    "not-json": ("The service answered with something else than it should.", _SERVER_ILL),
    "not-a-page": ("The service answered with something else than features.",
                   "Check the words in the URL, such as typeNames and outputFormat."),
    "credential": ("The credential that the parameters name cannot be used.", "Ask whoever runs this program."),
    "no-query": ("The URL names no SPARQL query.", "Write the file of the query after a #."),
    "address": ("{host} leads to an address inside a private network, and only public ones are asked.",
                "Type the address that the data has on the web. Whoever runs this program can allow others."),
    "scheme": ("The server sends on to a URL that is neither http nor https.",
               "Open it in a browser, and type the URL where it ends."),
    "url": ("The server sends on to something that is no URL.",
            "Open it in a browser, and type the URL where it ends."),
    "storage": ("There is a problem with our disk, not with the URL.", "Tell whoever runs this program."),
    "error": ("There is a problem with our program, not with the URL.", "Tell whoever runs this program."),
}  # fmt: skip

_STATUS: dict[int, tuple[str, str]] = {
    202: ("The server is still making the file.", "Try again in some minutes."),
    400: ("The server does not understand the URL (status 400).", "Check the words after the ? in it."),
    401: ("The server wants a login (status 401).", "Ask its owner for a URL that is open to everyone."),
    403: ("The server does not let us in (status 403): the file is not public, or it turns programs away.",
          ("Open it in a private window of a browser. If it opens there, ask the people who run the server to let this "
          "program in; else ask for a public URL.")),
    404: ("There is nothing at this URL (status 404): it is mistyped, or the file was moved or removed.",
          "Copy the URL from a browser in which the file opens."),
    410: ("The file is gone for good (status 410).", "Ask its owner for the new URL."),
    429: ("The server says that it is asked too often (status 429).", "Try again in some minutes."),
}  # fmt: skip


def failure(why: str, status: int | None, host: str, message: str) -> Finding:
    """The finding for what ended a check.

    Args:
        why: as in the outcome, without its kind.
        status: of the last answer.
        host: for sentences.
        message: of the error, for what there are no better words.
    """
    if why == "status" and status is not None:
        what, advice = _STATUS.get(status, _other_status(status))
    else:
        what, advice = _WHY.get(why, (message, ""))
    return Finding("error", what.format(host=host), advice)


def _other_status(status: int) -> tuple[str, str]:
    if status >= 500:
        return f"The server is out of order (status {status}).", _SERVER_ILL
    return f"The server answered with status {status} in place of a file.", "Open the URL in a browser to see why."


def pick_one(choices: tuple[Choice, ...]) -> str:
    """The first of what there is to choose from, in a sentence."""
    named = ", ".join(f"{choice.name} ({choice.title})" if choice.title else choice.name for choice in choices[:10])
    return f"There are: {named}{' and more' if len(choices) > 10 else ''}."
