"""Discovering what feeds, providers and repositories offer, each on a server on loopback, and what a register lacks."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from collect_assets.discovery.discover import discover
from collect_assets.discovery.found import Discovery, Found, Identity
from collect_assets.discovery.review import review
from collect_assets.errors import FetchError, RefusedError
from collect_assets.plugins.digir_pages import resources_in
from collect_assets.registers import Endpoint, endpoint_id
from collect_assets_tests.collecting.kit import LOOPBACK, Folder
from collect_assets_tests.plugins import biocase_provider, digir_provider, oai_repository, tapir_provider
from collect_assets_tests.servers import Page, WebServer

TODAY = dt.date(2026, 3, 1)
Start = Callable[[Any], WebServer]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda pages: stack.enter_context(WebServer(pages))


def found_at(url: str) -> Discovery:
    return discover(url, rules=LOOPBACK)


def xml(text: str, **headers: str) -> Page:
    return Page(text.encode(), 200, {"Content-Type": "text/xml", **headers})


def ipt(*items: str) -> Page:
    return xml(
        '<?xml version="1.0"?>\n<rss version="2.0" xmlns:ipt="http://ipt.gbif.org/"><channel>'
        "<title>Arboretum IPT</title><link>https://ipt.test</link>"
        "<ipt:identifier>0c1ef7b5</ipt:identifier>" + "".join(items) + "</channel></rss>"
    )


def ipt_item(name: str, version: str = "1.2", host: str = "https://ipt.test", archive: str = "dwca") -> str:
    kinds = {
        "dwca": f"<ipt:eml>{host}/eml.do?r={name}</ipt:eml><ipt:dwca>{host}/archive.do?r={name}</ipt:dwca>",
        "package": f"<ipt:archive>{host}/archive.do?r={name}</ipt:archive>",
        "none": f"<ipt:eml>{host}/eml.do?r={name}</ipt:eml>",
    }
    return (
        f"<item><title>The {name} - Version {version}</title><link>{host}/resource?r={name}</link>"
        f"<description>Changed &amp; checked</description>{kinds[archive]}"
        f'<pubDate>Mon, 02 Feb 2026 10:00:00 +0000</pubDate><guid isPermaLink="false">{name}/v{version}</guid></item>'
    )


def test_an_ipt_feed_names_archives_and_what_has_none(start: Start) -> None:
    feed = ipt(ipt_item("oaks"), ipt_item("cams", archive="package"), ipt_item("draft", archive="none"))
    found = found_at(start({"/rss.do": feed}).url("/rss.do"))
    assert (found.kind, found.title) == ("ipt", "Arboretum IPT")
    assert [(one.url, one.title, one.version, one.note) for one in found.found] == [
        ("https://ipt.test/archive.do?r=oaks", "The oaks", "oaks/v1.2", ""),
        ("https://ipt.test/archive.do?r=cams", "The cams", "cams/v1.2", "a data package"),
    ]
    assert found.problems == ("The draft: names no archive; it has metadata only",)


NO_URLS = ("http://[::1/a.zip", "http://127.0.0.1:99999/a.zip")


def test_what_cannot_be_a_url_is_said_and_hides_nothing_beside_it(start: Start) -> None:
    items = "".join(f"<item><title>T</title><enclosure url='{url}'/></item>" for url in (*NO_URLS, "good.zip"))
    services = "".join(f"<s><accesspoint>{url}</accesspoint></s>" for url in (*NO_URLS, "good/tapir.php/a"))
    links = "".join(f"<a href='{url}'>T</a>" for url in (*NO_URLS, "good/tapir.php/a"))
    page = Page(f"<html><body>{links}</body></html>".encode(), 200, {"Content-Type": "text/html"})
    server = start({"/rss": xml(f"<rss><channel>{items}</channel></rss>"), "/list": xml(f"<l>{services}</l>"),
                    "/page": page})  # fmt: skip
    for path, problems in (("/rss", 2), ("/list", 2), ("/page", 0)):
        found = found_at(server.url(path))
        assert (len(found.found), len(found.problems)) == (1, problems), path
        assert all(url in problem for url, problem in zip(NO_URLS, found.problems, strict=False))


def test_a_registered_url_that_is_none_stands_for_itself() -> None:
    said = review(offered(A), rows(A, *NO_URLS), TODAY)
    assert (said.agrees, [one.url for one in said.known]) == (True, [A])


def test_the_page_of_an_ipt_leads_to_its_feed(start: Start) -> None:
    page = b'<!DOCTYPE html><html><head><link rel="alternate" type="application/rss+xml" href="/rss.do"></head></html>'
    server = start({"/": Page(page, 200, {"Content-Type": "text/html"}), "/rss.do": ipt(ipt_item("oaks"))})
    assert [one.title for one in found_at(server.url("/")).found] == ["The oaks"]


def test_a_symbiota_feed_names_archives_by_their_links(start: Start) -> None:
    feed = xml(
        "<rss version='2.0'><channel><title>Portal</title>"
        "<item collid='5'><title>K-Lichens DwC-Archive</title><guid>https://p.test/coll.php?collid=5</guid>"
        "<guid>7a1d-55</guid><emllink>https://p.test/eml.php?collid=5</emllink><type>DWCA</type>"
        "<recordType>DWCA</recordType><link>https://p.test/content/dwca/K-Lichens_DwC-A.zip</link>"
        "<pubDate>Mon, 02 Feb 2026 10:00:00</pubDate></item>"
        "<item collid='6'><title>Other</title><emllink>x</emllink><type>CSV</type><link>https://p.test/o.php</link></item>"
        "</channel></rss>"
    )
    found = found_at(start({"/rss.xml": feed}).url("/rss.xml"))
    assert found.kind == "symbiota"
    assert found.found == (
        Found("https://p.test/content/dwca/K-Lichens_DwC-A.zip", "", "K-Lichens DwC-Archive",
              "Mon, 02 Feb 2026 10:00:00", "https://p.test/eml.php?collid=5"),
    )  # fmt: skip
    assert len(found.problems) == 1


def test_any_feed_counts_whose_items_have_archives(start: Start) -> None:
    feed = xml("<rss><channel><item><title>A</title><enclosure url='a.tar.gz'/></item>"
               "<item><title>News</title><link>https://x.test/news</link></item></channel></rss>")  # fmt: skip
    server = start({"/f/rss": feed})
    found = found_at(server.url("/f/rss"))
    assert ([one.url for one in found.found], len(found.problems)) == ([server.url("/f/a.tar.gz")], 1)


def test_the_resources_of_a_digir_provider_are_endpoints_that_can_be_harvested(start: Start, folder: Folder) -> None:
    server = start(
        digir_provider.DigirProvider(digir_provider.plants(12), code="herb & co", others=("fungi",), declared=12)
    )
    url = server.url(digir_provider.PATH)
    found = found_at(url)
    assert (found.kind, [one.url for one in found.found]) == ("digir", [f"{url}#herb%20&%20co", f"{url}#fungi"])
    assert found.found[0].declared_count == 12
    folder.register({"endpoint-url": found.found[0].url, "plugin": "digir"}).collect()
    log = folder.log(found.found[0].url)
    assert (log.outcome, log.complete) == ("first", True)


@pytest.mark.parametrize("inventories", [True, False])
def test_the_datasets_of_a_biocase_provider_are_endpoints_that_can_be_harvested(
    start: Start, folder: Folder, inventories: bool
) -> None:
    both = [*biocase_provider.units(4), *biocase_provider.units(3, "Moose & elk")]
    server = start(biocase_provider.Provider(both, inventories=inventories))
    url = server.url(biocase_provider.PATH)
    found = found_at(url)
    assert (found.kind, [one.title for one in found.found]) == ("biocase", ["Moose & elk", "Trees"])
    folder.register({"endpoint-url": found.found[0].url, "plugin": found.found[0].plugin}).collect()
    assert folder.log(found.found[0].url).complete
    if inventories:
        assert found_at(f"{url}&inventory=1").found == found.found


def test_the_only_dataset_is_the_access_point_and_one_without_titles_too(start: Start) -> None:
    server = start(biocase_provider.Provider(biocase_provider.units(4)))
    url = server.url(biocase_provider.PATH)
    assert [one.url for one in found_at(url).found] == [url]
    silent = start(biocase_provider.Provider([], inventories=False, scans=False))
    found = found_at(silent.url(biocase_provider.PATH))
    assert (found.found[0].note, len(found.problems)) == ("names no dataset", 1)


def test_a_tapir_service_describes_itself(start: Start) -> None:
    provider = tapir_provider.TapirProvider(digir_provider.plants(5))
    url = start(provider).url(tapir_provider.PATH)
    found = found_at(url)
    assert (found.kind, [(one.url, one.plugin) for one in found.found]) == ("tapir", [(url, "tapir")])


def test_a_list_of_services_names_their_access_points(start: Start) -> None:
    services = xml(
        "<services><service><title>Herbarium</title><accesspoint>https://a.test/tapirlink/tapir.php/herb</accesspoint>"
        "</service><service><name>Wasps</name><accessPoint>https://b.test/tapir.cgi?dsa=wasps</accessPoint></service>"
        "<service accesspoint='https://c.test/pywrapper.cgi?dsa=x'/><service><accesspoint>https://d.test/x</accesspoint>"
        "</service></services>"
    )
    found = found_at(start({"/list.xml": services}).url("/list.xml"))
    assert (found.kind, [(one.plugin, one.url, one.title) for one in found.found]) == ("list", [
        ("tapir", "https://a.test/tapirlink/tapir.php/herb", "Herbarium"),
        ("tapir", "https://b.test/tapir.cgi?dsa=wasps", "Wasps"),
        ("biocase", "https://c.test/pywrapper.cgi?dsa=x", ""),
    ])  # fmt: skip
    assert found.problems == ("https://d.test/x: nothing says which protocol it speaks; discover it by itself",)


def test_a_page_for_people_counts_by_links_that_are_endpoints(start: Start) -> None:
    page = b"""<html><body><a href="tapir.php/herb">Herbarium</a> <a href="/about">About</a>
        <a href="/biocase/pywrapper.cgi?dsa=trees">Trees</a><a href='tapir.php/herb'>again</a></body></html>"""
    server = start({"/tapirlink/": Page(page, 200, {"Content-Type": "text/html"})})
    found = found_at(server.url("/tapirlink/"))
    assert [(one.plugin, one.url, one.title) for one in found.found] == [
        ("tapir", server.url("/tapirlink/tapir.php/herb"), "Herbarium"),
        ("biocase", server.url("/biocase/pywrapper.cgi?dsa=trees"), "Trees"),
    ]


def items_in_sets() -> list[oai_repository.Item]:
    return [oai_repository.Item(n, f"2026-02-0{n}T00:00:00Z", sets=("a:b" if n < 3 else "c",)) for n in range(1, 5)]


@pytest.mark.parametrize("status", [200, 400])
def test_the_sets_of_a_repository_are_endpoints_to_harvest(start: Start, folder: Folder, status: int) -> None:
    url = start(oai_repository.Repository(items_in_sets(), status=status)).url(oai_repository.PATH)
    found = found_at(url)
    assert (found.kind, found.title, [one.title for one in found.found]) == (
        "oai-pmh", "Trees & shrubs", ["Set a:b", "Set c"]
    )  # fmt: skip
    folder.register(*({"endpoint-url": one.url, "plugin": one.plugin} for one in found.found)).collect()
    assert [sum(task.get("records", 0) for task in folder.log(one.url).tasks) for one in found.found] == [2, 2]
    eml = found_at(f"{url}?verb=ListRecords&metadataPrefix=eml")
    assert all("metadataPrefix=eml" in one.url for one in eml.found)


def test_a_repository_without_sets_is_one_endpoint_and_a_format_that_it_lacks_is_said(start: Start) -> None:
    repository = oai_repository.Repository(items_in_sets(), has_sets=False, formats=("mods",))
    found = found_at(start(repository).url(oai_repository.PATH))
    assert len(found.found) == 1
    assert "has no metadata format 'oai_dc', but mods" in found.problems[0]


def test_f86_a_list_of_sets_that_never_ends_is_noticed(start: Start) -> None:
    repository = oai_repository.Repository(items_in_sets())
    repository.garbage = lambda given, body: body.replace(
        b"</ListSets>", b"<resumptionToken>x</resumptionToken></ListSets>"
    )

    def answer(asked: Any) -> Page:
        asked_again = type(asked)(asked.method, asked.path.replace("&resumptionToken=x", ""), asked.headers, asked.body)
        return repository(asked_again)

    found = found_at(start(answer).url(oai_repository.PATH))
    assert "does not end" in found.problems[0]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (Page(b"<html><body>Welcome</body></html>", 200, {"Content-Type": "text/html"}), "no-list"),
        (xml("<catalogue/>"), "no-list"),
        (xml("<rss><channel>"), "not-a-page"),
        (Page(b'{"a": 1}', 200, {"Content-Type": "application/json"}), "not-a-page"),
        (Page(b"", 404), "status"),
        (xml("<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><rss>&e;</rss>"), "xml-entity"),
    ],
)
def test_what_offers_nothing_is_an_error_that_says_so(start: Start, page: Page, why: str) -> None:
    with pytest.raises(FetchError) as error:
        found_at(start({"/x": page}).url("/x"))
    assert error.value.why == why


def test_nothing_leaves_for_a_private_address_that_is_not_allowed(start: Start) -> None:
    with pytest.raises(RefusedError):
        discover(start({"/": ipt()}).url("/"))


def rows(*urls: str, plugin: str = "", ended: tuple[str, ...] = ()) -> list[Endpoint]:
    return [
        Endpoint(endpoint_id(url), url, plugin, end_date=TODAY if url in ended else None, row=number)
        for number, url in enumerate(urls, 2)
    ]


def offered(*urls: str, plugin: str = "", url: str = "https://ipt.test/rss.do") -> Discovery:
    return Discovery(url, plugin or "ipt", found=tuple(Found(one, plugin) for one in urls))


A, B, C = (f"https://ipt.test/archive.do?r={name}" for name in ("oaks", "elms", "yews"))


def test_a_register_is_compared_by_url_and_what_is_missing_at_the_provider_is_gone() -> None:
    said = review(offered(A, C), rows(A, B, "https://other.test/archive.do?r=ash"), TODAY)
    assert ([one.url for one in said.known], [one.url for one in said.new]) == ([A], [C])
    assert [row.url for row in said.gone] == [B]
    assert not said.agrees
    assert review(offered(A), rows(A, "https://other.test/x.csv"), TODAY).agrees


def test_what_ended_in_the_register_and_is_still_there_is_neither_new_nor_gone() -> None:
    said = review(offered(A, B), rows(A, B, C, ended=(B, C)), TODAY)
    assert ([one.url for one in said.ended], said.new, said.gone) == ([B], [], [])


def test_another_scheme_or_another_path_on_the_host_is_a_move() -> None:
    before = rows("http://ipt.test/archive.do?r=oaks", "https://ipt.test/old/archive.do?r=elms")
    said = review(offered(A, B), before, TODAY)
    assert [(move.before.url, move.found.url) for move in said.moved] == [(before[0].url, A), (before[1].url, B)]
    assert (said.new, said.gone) == ([], [])


def test_an_installation_on_another_host_is_recognised_by_several_names_and_not_by_one() -> None:
    elsewhere = rows("https://old.test/ipt/archive.do?r=oaks", "https://old.test/ipt/archive.do?r=elms")
    said = review(offered(A, B, C), elsewhere, TODAY)
    assert [(move.before.url, move.found.url) for move in said.moved] == [(elsewhere[0].url, A), (elsewhere[1].url, B)]
    assert [one.url for one in said.new] == [C]
    one = review(offered(A, B, C), elsewhere[:1], TODAY)
    assert (one.moved, len(one.new)) == ([], 3)
    many = [f"https://ipt.test/archive.do?r={number}" for number in range(3)]
    few = review(offered(A, B, *many), elsewhere, TODAY)
    assert (few.moved, len(few.new)) == ([], 5), "two of five names may be alike by chance"


def test_a_part_may_stand_in_parameters_and_a_set_with_its_words_in_any_order() -> None:
    digir = "https://d.test/digir/DiGIR.php"
    row = Endpoint(endpoint_id(digir), digir, "digir", {"resource": "herb"})
    assert review(offered(f"{digir}#herb", plugin="digir", url=digir), [row], TODAY).agrees
    oai = rows("https://o.test/oai?set=a%3Ab&metadataPrefix=eml&verb=ListRecords", plugin="oai-pmh")
    listed = offered("https://o.test/oai?verb=ListRecords&metadataPrefix=oai_dc&set=a%3Ab", plugin="oai-pmh")
    assert review(listed, oai, TODAY).agrees


def test_a_whole_repository_is_the_same_by_its_base_url_and_by_a_request() -> None:
    base, asked = "https://o.test/oai", "https://o.test/oai?verb=ListRecords&metadataPrefix=oai_dc"
    for registered, listed in ((base, asked), (asked, base)):
        found = offered(listed, plugin="oai-pmh", url=base)
        said = review(found, rows(registered, plugin="oai-pmh"), TODAY)
        assert (said.agrees, len(said.known)) == (True, 1)
        of_sets = offered(f"{asked}&set=a", plugin="oai-pmh", url=base)
        assert review(of_sets, rows(registered, plugin="oai-pmh"), TODAY).gone == [], "sets do not take its place"


@pytest.mark.parametrize(
    ("plugin", "registered", "listed"),
    [
        ("digir", "https://d.test/DiGIR.php", "https://d.test/DiGIR.php#herb"),
        ("biocase", "https://d.test/pywrapper.cgi?dsa=x#Trees", "https://d.test/pywrapper.cgi?dsa=x"),
        ("biocase", "https://d.test/pywrapper.cgi?dsa=x#trees", "https://d.test/pywrapper.cgi?dsa=x"),
    ],
)
def test_the_only_part_of_a_provider_is_known_with_and_without_its_name(
    plugin: str, registered: str, listed: str
) -> None:
    point = listed.partition("#")[0]
    found = Discovery(point, plugin, found=(Found(listed, plugin, "Trees"),))
    said = review(found, rows(registered, plugin=plugin), TODAY)
    assert (said.agrees, len(said.known)) == (True, 1)
    two = Discovery(point, plugin, found=(Found(f"{point}#a", plugin, "a"), Found(f"{point}#b", plugin, "b")))
    assert len(review(two, rows(registered, plugin=plugin), TODAY).new) == 2
    other = review(found, rows(f"{point}#other", plugin=plugin), TODAY)
    assert (len(other.new), len(other.gone)) == (1, 1)


def test_an_empty_provider_makes_gone_only_what_is_registered_there() -> None:
    digir = "https://d.test/digir/DiGIR.php"
    register = [*rows(f"{digir}#herb", plugin="digir"), *rows("https://e.test/digir/DiGIR.php#x", plugin="digir")]
    said = review(Discovery(digir, "digir"), register, TODAY)
    assert [row.url for row in said.gone] == [f"{digir}#herb"]


def test_a_service_or_a_data_source_does_not_speak_for_its_neighbours() -> None:
    tapir, biocase = "https://d.test/tapir.php/{}", "https://d.test/pywrapper.cgi?dsa={}"
    for plugin, form in (("tapir", tapir), ("biocase", biocase)):
        one, other = form.format("herb"), form.format("wasps")
        said = review(offered(one, plugin=plugin, url=one), rows(one, other, plugin=plugin), TODAY)
        assert (said.agrees, len(said.known)) == (True, 1)


def test_a_dataset_that_was_renamed_is_gone_and_new() -> None:
    point = "https://d.test/pywrapper.cgi?dsa=x"
    said = review(offered(f"{point}#B", plugin="biocase", url=point), rows(f"{point}#A", plugin="biocase"), TODAY)
    assert ([one.url for one in said.new], [row.url for row in said.gone]) == ([f"{point}#B"], [f"{point}#A"])


def test_identities_tell_place_and_part_apart() -> None:
    def of(url: str) -> tuple[str, str, str]:
        identity = Identity.of(url, "", {})
        return identity.host, identity.place, identity.part

    assert of("https://P.test:443/content/dwca/K_DwC-A.zip") == ("p.test", "/content/dwca", "K_DwC-A.zip")
    assert of("http://p.test:8080/ipt/archive.do?r=x") == ("p.test:8080", "/ipt/archive.do", "x")
    assert of("https://p.test/pywrapper.cgi?dsa=x#My%20set") == ("p.test", "/pywrapper.cgi?dsa=x", "My set")


def test_the_command_prints_rows_for_a_register_and_says_what_to_decide(start: Start, folder: Folder) -> None:
    server = start({})
    host = server.url("").rstrip("/")
    server.pages = {"/rss.do": ipt(*(ipt_item(name, host=host) for name in ("oaks", "elms")))}
    allowed = ("--allow", "127.0.0.0/8")
    alone = folder.run("discover", f"{host}/rss.do", *allowed)
    assert alone.returncode == 0
    listed = list(csv.DictReader(io.StringIO(alone.stdout)))
    assert [row["endpoint"] for row in listed] == [endpoint_id(f"{host}/archive.do?r={n}") for n in ("oaks", "elms")]
    folder.register(f"{host}/archive.do?r=oaks", f"{host}/archive.do?r=yews")
    beside = folder.run("discover", f"{host}/rss.do", "-c", str(folder.path), *allowed)
    assert beside.returncode == 1
    assert [row["endpoint-url"] for row in csv.DictReader(io.StringIO(beside.stdout))] == [f"{host}/archive.do?r=elms"]
    assert f"gone: {host}/archive.do?r=yews (row 3)" in beside.stderr
    told = json.loads(folder.run("discover", f"{host}/rss.do", "-c", str(folder.path), "--json", *allowed).stdout)
    assert told["review"] == {"known": [f"{host}/archive.do?r=oaks"], "new": [f"{host}/archive.do?r=elms"], "moved": [],
                              "ended": [], "gone": [f"{host}/archive.do?r=yews"]}  # fmt: skip
    (folder.path / "endpoint.csv").write_text(alone.stdout)
    assert folder.run("discover", f"{host}/rss.do", "-c", str(folder.path), *allowed).returncode == 0


def test_a_provider_is_asked_as_the_collection_asks_and_with_a_credential(start: Start, folder: Folder) -> None:
    secret = {"COLLECT_ASSETS_CREDENTIAL_ARBORETUM": "X-Api-Key: 0123"}
    server = start({"/rss.do": ipt(ipt_item("oaks"))})
    folder.register("http://h.test/x")
    (folder.path / "host.csv").write_text("host,pause\n127.0.0.1,0.7\n")
    (folder.path / "collection.toml").write_text('contact = "me@example.org"\n[headers]\nX-Purpose = "trees"\n')
    asking = ("discover", server.url("/rss.do"), "-c", str(folder.path), "--allow", "127.0.0.0/8")
    begun = time.monotonic()
    for _ in range(2):
        said = folder.run(*asking, "--parameters", '{"credential": "arboretum"}', **secret)
        assert (said.returncode, "new: https://ipt.test" in said.stderr) == (1, True), said.stderr
    assert time.monotonic() - begun > 0.7
    headers = server.asked[0].headers
    assert (headers["x-api-key"], headers["x-purpose"]) == ("0123", "trees")
    assert "me@example.org" in headers["user-agent"]
    wrong = folder.run(*asking, "--parameters", '{"ssl-verify": "no"}')
    assert (wrong.returncode, len(server.asked)) == (2, 2)
    assert "ssl-verify" in wrong.stderr


def test_the_command_says_in_one_line_what_went_wrong(start: Start, folder: Folder) -> None:
    failed = folder.run("discover", start({}).url("/rss.do"), "--allow", "127.0.0.0/8")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "answered with status 404" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_real_metadata_names_its_resources(corpus: Path) -> None:
    path = corpus.parent / "harvest/digir/gbif+crawler/crawler-metasync/src/test/resources/digir/test1.xml"
    codes = [resource.code for resource in resources_in(path.name, path)]
    assert codes
    assert all(code for code in codes)


def test_real_tapir_and_biocase_documents_are_known(corpus: Path, start: Start) -> None:
    base = corpus.parent / "harvest"
    about = base / "biocase/gbif+crawler/crawler-metasync/src/test/resources/biocase"
    tapir = base / "tapir/gbif+crawler/crawler-metasync/src/test/resources/tapir/metadata1.xml"

    def answer(asked: Any) -> Page:
        if "tapir" in asked.path:
            return xml(tapir.read_text(encoding="utf-8"))
        name = "inventory2.xml" if "inventory=1" in asked.path else "capabilities2.xml"
        return xml((about / name).read_text(encoding="utf-8"))

    server = start(answer)
    assert found_at(server.url("/tapir.php/nmr")).title == "Natural History Museum Rotterdam"
    [found] = found_at(server.url("/pywrapper.cgi?dsa=Planktonproben")).found
    assert (found.title, found.declared_count) == ("Collections of Phytoplankton at BGBM", 26943)
