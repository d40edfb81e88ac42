"""The server: the same rows as the lab gives, read-only, for those who may ask."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from fastapi.testclient import TestClient

import patina_lab as pt
from patina_lab.datasets import teaching
from patina_lab.errors import InvalidOption
from patina_lab.server import MOST_ROWS, application, is_loopback


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = pt.open(teaching(), home=tmp_path_factory.mktemp("home"))
    lab.scrape(progress=False)
    return lab


@pytest.fixture(scope="module")
def client(lab):
    return TestClient(application(lab), base_url="http://127.0.0.1")


def test_health_names_the_log_and_its_state(client, lab):
    said = client.get("/health").json()
    assert said["digest"] == lab.log.digest
    assert said["events"] == len(lab.log)
    assert said["state"] == lab.staleness()


def test_the_log_is_paged_in_its_order(client, lab):
    """Page by page, every event once, as the lab has them."""
    got = []
    while True:
        page = client.get("/log", params={"limit": 100, "offset": len(got)}).json()
        assert page["total"] == len(lab.log)
        got += page["rows"]
        if not page["rows"]:
            break
    assert [row["event_id"] for row in got] == lab.log.df()["event_id"].tolist()


def test_a_slice_is_asked_in_the_address(client, lab):
    asked = {"type": "session.decision", "as_of": "2025-03-15", "limit": 1000}
    page = client.get("/log", params=asked).json()
    expected = lab.log.as_of("2025-03-15").where("session.decision")
    assert page["digest"] == expected.digest
    assert 0 < page["total"] == len(expected) < len(lab.log)


def test_a_projection_is_the_lab_s_with_its_parameters(client, lab):
    given = {"limit": MOST_ROWS, "min_count": 3}
    said = client.get("/projections/co_changes", params=given).json()
    expected = lab.project(pt.co_changes, min_count=3)
    assert said["total"] == len(expected) > 0
    assert [r["count"] for r in said["rows"]] == expected["count"].tolist()
    assert said["params"]["min_count"] == 3
    assert said["digest"] == lab.log.digest


def test_what_can_be_asked_is_listed(client):
    names = {p["name"] for p in client.get("/projections").json()}
    assert {"co_changes", "hotspots"} <= names
    assert "/projections/{name}" in client.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/projections/co_chnages", 404, "co_changes"),
        ("/projections/co_changes?min_cuont=3", 404, "min_count"),
        ("/log?as_of=yesteryear", 400, "yesteryear"),
        ("/log?limit=-1", 422, "limit"),
        (f"/log?limit={MOST_ROWS + 1}", 422, "limit"),
    ],
)
def test_what_is_wrong_is_said(client, address, status, says):
    answer = client.get(address)
    assert answer.status_code == status
    assert says in answer.text


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(client, method):
    assert client.request(method, "/log").status_code == 405


def test_a_name_of_somebody_else_is_not_answered(lab):
    """A web page that lets its own name point here gets nothing."""
    assert (
        TestClient(application(lab), base_url="http://evil.example").get("/log").status_code == 400
    )


def test_with_a_token_only_those_who_send_it_are_answered(lab):
    client = TestClient(application(lab, host="0.0.0.0", token="sesame"))
    assert client.get("/health").status_code == 401
    assert client.get("/health", headers={"Authorization": "Bearer sesam"}).status_code == 401
    assert client.get("/health", headers={"Authorization": "Bearer sesame"}).status_code == 200


def test_without_a_token_it_stays_on_this_machine(lab):
    for host in ("0.0.0.0", "192.168.1.5", "example.org", "::"):
        assert not is_loopback(host)
        with pytest.raises(InvalidOption, match="PATINA_TOKEN"):
            application(lab, host=host)


def test_the_command_serves(tmp_path):
    """The real server, in a process of its own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "patina_lab.cli", "serve", "--repo", str(teaching()),
         "--port", str(port)],
        env={**os.environ, "PATINA_HOME": str(tmp_path), "PATINA_TOKEN": ""},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
                    said = json.load(answer)
                break
            except OSError:
                assert process.poll() is None, process.stderr.read().decode()
                time.sleep(0.1)
        assert said["events"] == 349
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def test_scry_answers_as_the_lab_does(client, lab):
    """The same hits in the same order, with how they were found; time and type narrow them."""
    asked = {"query": "seed catalogue", "mode": "lexical", "k": 5}
    said = client.post("/scry", json=asked).json()
    table = lab.scry("seed catalogue", mode="lexical", k=5)
    assert [hit["event_id"] for hit in said["hits"]] == table["event_id"].tolist()
    assert [hit["score"] for hit in said["hits"]] == table["score"].tolist()
    assert (said["mode"], said["digest"]) == ("lexical", table.attrs["digest"])
    assert said["hits"][0]["reason"].startswith("has ")
    narrow = {**asked, "as_of": "2025-03-01", "type": ["session.*"]}
    for hit in client.post("/scry", json=narrow).json()["hits"]:
        assert hit["timestamp"] < "2025-03-02"
        assert hit["event_type"].startswith("session.")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"query": "x", "k": 0}, 422),
        ({"query": "x", "untill": "2025"}, 422),
        ({"query": "x", "mode": "magic"}, 400),
    ],
)
def test_scry_refuses_what_it_cannot_answer(client, body, status):
    """By a sentence, not by a crash."""
    assert client.post("/scry", json=body).status_code == status
