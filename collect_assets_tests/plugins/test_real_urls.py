"""The URLs that real registers have for these plugins: what is asked of them is what they mean."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from collect_assets.plugins.esri_layer import LayerUrl
from collect_assets.plugins.parameters import options_of
from collect_assets.plugins.wfs import page_url
from collect_assets.registers import read_endpoints

PAGED = {"startindex", "count", "maxfeatures"}


def registered(corpus: Path, plugin: str) -> Iterator[str]:
    for path in corpus.rglob("endpoint.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("plugin") == plugin and row.get("endpoint-url"):
                    yield row["endpoint-url"]


def test_every_registered_layer_is_asked_as_a_layer(corpus: Path) -> None:
    urls = set(registered(corpus, "arcgis"))
    assert len(urls) > 100
    for url in urls:
        layer = LayerUrl.of(url)
        assert re.search(r"/(Map|Feature)Server(/\d+)?$", layer.url), url
        assert layer.query().url == f"{layer.url}/query"


def test_every_registered_feature_service_is_asked_with_all_that_its_url_says(corpus: Path) -> None:
    urls = set(registered(corpus, "wfs"))
    assert len(urls) > 70
    for url in urls:
        paged = page_url(url, 10, 5)
        assert paged.startswith(urlsplit(url)._replace(query="", fragment="").geturl()), url
        asked = parse_qsl(urlsplit(paged).query, keep_blank_values=True)
        said = {pair for pair in parse_qsl(urlsplit(url).query, keep_blank_values=True) if pair[0].lower() not in PAGED}
        assert said <= set(asked), url
        assert {key.lower() for key, _ in asked[len(said) :]} <= PAGED
        assert ("startIndex", "10") in asked


def test_every_registered_query_names_a_file(corpus: Path) -> None:
    urls = set(registered(corpus, "sparql"))
    assert len(urls) == 12
    assert all(url.partition("#")[2].endswith(".rq") for url in urls)


def test_parameters_in_use_are_known(corpus: Path) -> None:
    names = {"", "arcgis", "wfs", "sparql"}
    used = 0
    for path in corpus.rglob("endpoint.csv"):
        for endpoint in read_endpoints(path, plugins=names).endpoints:
            options_of(endpoint.plugin, endpoint.parameters)
            used += bool(endpoint.parameters)
    assert used
