"""What every plugin asks of an answer before it looks closer, and the words for what services report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from collect_assets.errors import FailedError, FetchError, RefusedError
from collect_assets.network.content import is_html
from collect_assets.network.gate import Answer

TRANSIENT_STATUS = frozenset({202, 408, 425, 429, 500, 502, 503, 504})
KEPT = "; it is kept all the same, as digital-land keeps it (resource-rule in collection.toml)"
_WANTS = "; it wants a credential, or another than it got (`credential` in parameters), or does not want us at all"
_ADVICE = {
    202: ": it is still making the file; a later run of the day may get it",
    304: " though we have no copy and asked for all of it",
    401: _WANTS,
    403: _WANTS,
    410: ": it is gone for good; give the row an end-date",
}


def shows_page(answer: Answer) -> bool:
    """Whether it is a web page, whatever it says."""
    return is_html(answer.start, answer.header("content-type"))


def says_page(answer: Answer) -> bool:
    """Whether digital-land-python takes it for a web page: by the header alone, in small letters."""
    return answer.header("content-type").startswith("text/html")


def body_of(answer: Answer, *, is_page: Callable[[Answer], bool] = shows_page) -> Path:
    """The file with the body.

    Args:
        answer: to a request for data.
        is_page: whether it is a web page, which is no data.

    Raises:
        FetchError: another status than 200, no body, a web page in place of data; the body is then gone.
    """
    try:
        if answer.status != 200:
            raise _status_error(answer)
        if answer.part is None or answer.size == 0:
            raise FailedError("empty", f"{answer.url}: answered 200 without a body")
        if is_page(answer):
            raise RefusedError("html", f"{answer.url}: a web page came in place of data")
    except FetchError as error:
        error.evidence = answer.evidence
        drop_body(answer)
        raise
    return answer.part


def drop_body(answer: Answer) -> None:
    """Removes the body of an answer that is not kept."""
    if answer.part is not None:
        answer.part.unlink(missing_ok=True)


def service_failure(url: str, said: str, *, passing: bool = False) -> FailedError:
    """What a service says went wrong, in an answer with status 200: `unavailable` where it may soon be well again."""
    passing = passing or any(word in said.lower() for word in ("timeout", "timed out", "time out"))
    return FailedError("unavailable" if passing else "service-error", f"{url}: the service answered with {said}",
                       transient=passing)  # fmt: skip


def _status_error(answer: Answer) -> FailedError:
    advice = _ADVICE.get(answer.status, "")
    return FailedError("status", f"{answer.url}: answered with status {answer.status}{advice}",
                       transient=answer.status in TRANSIENT_STATUS)  # fmt: skip
