"""Answers of services in JSON that say that they hold more than they gave, and descriptors without their tables."""

from __future__ import annotations

import json

import pytest

FEATURE = {"type": "Feature", "properties": {"id": 1}, "geometry": None}
ESRI = {"attributes": {"id": 1}}


def collection(count: int = 2, **said: object) -> dict[str, object]:
    features = [{**FEATURE, "properties": {"id": number}} for number in range(count)]
    return {"type": "FeatureCollection", "features": features, **said}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (collection(properties={"exceededTransferLimit": True}), "exceededTransferLimit"),
        ({"exceededTransferLimit": True, **collection()}, "exceededTransferLimit"),
        ({"numberMatched": 500, "numberReturned": 2, **collection()}, "500 match, and gave 2"),
        (collection(5000, totalFeatures=9000, crs={"type": "name"}), "9,000 match, and gave 5,000"),
        ({"features": [ESRI], "exceededTransferLimit": True}, "exceededTransferLimit"),
        (collection(properties={"exceededTransferLimit": False}), ""),
        ({"numberMatched": 2, "numberReturned": 2, **collection()}, ""),
        ({"numberMatched": "unknown", **collection()}, ""),
        ({"features": [ESRI], "exceededTransferLimit": False}, ""),
        ([{"numberMatched": 7}, {"numberMatched": 9}], ""),
    ],
)
def test_half_a_layer_says_so_and_proves_no_absence(read, document, said):
    found = read(json.dumps(document).encode())
    entries = document if isinstance(document, list) else document["features"]
    assert (found.report.records, found.report.problem) == (len(entries), "")
    assert (found.report.rejected, found.report.rejected == 0) == (int(bool(said)), said == "")
    assert all(said in str(reject) for reject in found.rejects)


def test_the_descriptor_of_a_data_package_alone_is_no_table_of_its_files(read):
    descriptor = {"name": "x", "profile": "data-package", "resources": [{"name": "deployments", "path": "d.csv"}]}
    assert "collect the package as one zip" in read(json.dumps(descriptor).encode()).report.problem
    assert read(json.dumps({"resources": [{"name": "oak", "height": 3}]}).encode()).report.records == 1
