"""A failure in the words of digital-land's `check_url`, for services that know them.

The keys and messages are those of its request processor; the first condition that holds gives the message. Three of
them could hardly be reached there, and can be here: the content type is found under any spelling of its header; what an
ArcGIS server answers with status 200 though it is no layer keeps its plugin and status; a WFS is tried when ArcGIS does
not fit. A `text/html` counts where status 200 came with it: nearly every 404 is a web page too, and the person who
mistyped a URL has to hear that, not that the file is of the wrong kind.
"""

from __future__ import annotations

import datetime as dt

from collect_assets.checking.report import UrlCheck

TLS = "SSL certificate verification failed"
HTML = "The selected file must be a CSV, GeoJSON, GML or GeoPackage file"
FORBIDDEN = "The URL must be accessible"
MISSING = "The URL does not exist. Check the URL you've entered is correct (HTTP 404 error)"
NO_LAYER = "URL must be the data layer"
OTHER = "An error occurred, please try again later."
OURS = "There is a problem with our service, please try again later."

_TLS_EXCEPTIONS = frozenset({"SSLError", "SSLCertVerificationError"})
_OUR_FAULTS = frozenset({"failed:storage", "failed:error"})


def user_error(check: UrlCheck, now: dt.datetime) -> dict[str, str | None]:
    """The error object for a URL that cannot be collected."""
    moment = now.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {
        "errCode": None if check.status is None else str(check.status),
        "errType": "User Error",
        "errMsg": message(check),
        "errMsgDetail": check.summary or None,
        "errTime": moment,
        "endpointUrl": check.url,
        "entryDate": moment,
        "fetchStatus": "FAILED",
        "exceptionType": check.exception or None,
        "contentType": check.content_type or None,
        "plugin": check.plugin or None,
    }


def message(check: UrlCheck) -> str:
    """What the person who typed the URL is told."""
    told = (
        (TLS, check.exception in _TLS_EXCEPTIONS or check.outcome == "failed:tls"),
        (HTML, check.status == 200 and _is_html(check)),
        (FORBIDDEN, check.status == 403),
        (MISSING, check.status == 404),
        (NO_LAYER, check.plugin == "arcgis" and check.status == 200),
        (OURS, check.outcome in _OUR_FAULTS),
    )
    return next((text for text, holds in told if holds), OTHER)


def _is_html(check: UrlCheck) -> bool:
    """Of a plain GET; some ArcGIS servers call their JSON a web page too."""
    return check.outcome == "refused:html" or (not check.plugin and "text/html" in check.content_type.lower())
