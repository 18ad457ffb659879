"""The sets of an OAI-PMH repository: each is an endpoint, and the repository as a whole where it has none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from collect_assets.discovery.asking import Asker
from collect_assets.discovery.found import Discovery, Found
from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer
from collect_assets.plugins.oai_answers import WithErrors, keep_formats, keep_identify
from collect_assets.plugins.oai_requests import Repository
from collect_assets.plugins.xml_pages import Repairs, free, steps

MOST_SETS = 50_000


@dataclass
class _Sets:
    """A page of the list of sets."""

    named: list[tuple[str, str]] = field(default_factory=list)
    token: str = ""
    error: str = ""


def ask_repository(url: str, asker: Asker) -> Discovery:
    """The sets of a repository, in the format that the URL names, or `oai_dc`.

    Raises:
        FetchError: it does not answer as a repository.
    """
    asker = replace(asker, gate=WithErrors(asker.gate, asker.work))
    repository = Repository.of(url, "", "")
    about = asker.ask(repository.about("Identify"), keep_identify).facts
    formats = asker.ask(repository.about("ListMetadataFormats"), keep_formats).facts["formats"]
    other = f"{repository.url}: has no metadata format {repository.prefix!r}, but {', '.join(formats)}"
    problems = [] if repository.prefix in formats else [f"{other}; name one in the URL as metadataPrefix="]
    sets, short = _all_sets(asker, repository)
    title = about.get("repositoryName", "")
    found = [_found(repository, spec, name) for spec, name in sets] or [_found(repository, "", title)]
    return Discovery(url, "oai-pmh", title, tuple(dict.fromkeys(found)), (*problems, *short))


def _found(repository: Repository, spec: str, name: str) -> Found:
    wanted = replace(repository, set=spec)
    return Found(wanted.list("ListRecords").url, "oai-pmh", name or spec)


def _all_sets(asker: Asker, repository: Repository) -> tuple[list[tuple[str, str]], list[str]]:
    """All sets, and why there may be more."""
    sets: list[tuple[str, str]] = []
    tokens: set[str] = set()
    request = repository.about("ListSets")
    while True:
        page = asker.ask(request, _read_sets)
        if page.error == "noSetHierarchy":
            return [], []
        if page.error:
            raise FailedError("service-error", f"{request.url}: the repository answers with {page.error}")
        sets += page.named
        if not page.token:
            return sets, []
        if page.token in tokens or len(sets) > MOST_SETS:
            return sets, [f"{repository.url}: its list of sets does not end; {len(sets)} are listed"]
        tokens.add(page.token)
        request = repository.next("ListSets", page.token)


def _read_sets(answer: Answer, body: Path) -> _Sets:
    page = _Sets()
    for step in steps(answer.url, body, Repairs()):
        if step.begins:
            continue
        element = step.element
        match step.path[1:]:
            case ("ListSets", "set"):
                spec, name = (
                    " ".join((element.findtext(f"{{*}}{tag}") or "").split()) for tag in ("setSpec", "setName")
                )
                page.named += [(spec, name)] if spec else []
                free(element)
            case ("ListSets", "resumptionToken"):
                page.token = (element.text or "").strip()
            case ("error",):
                page.error = element.get("code") or "an error without a code"
    return page
