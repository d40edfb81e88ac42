"""The renderer: what each viewer gets, and that it is always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

alt = pytest.importorskip("altair")

from patina_lab.views import renderer  # noqa: E402

BARS = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "description": "Two <bars> & more",
    "data": {"values": [{"who": "ann", "n": 1}, {"who": 'bob "b"', "n": 2.5}]},
    "mark": {"type": "bar", "clip": True},
    "encoding": {
        "x": {"field": "n", "type": "quantitative"},
        "y": {"field": "who", "type": "nominal"},
    },
}


def test_gives_the_three_readings() -> None:
    """Live for JupyterLab, a picture for the rest, words for everyone."""
    bundle, metadata = renderer.render(BARS)
    assert sorted(bundle) == ["application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"]
    assert bundle["application/vnd.vegalite.v5+json"]["$schema"].endswith("/v5.json")
    assert bundle["text/plain"] == "<chart: Two <bars> & more>"
    assert metadata == {}
    assert BARS["$schema"].endswith("/v6.json"), "the caller's specification was changed"


def test_hands_options_to_the_viewer() -> None:
    _, metadata = renderer.render(BARS, embed_options={"actions": False})
    assert metadata == {renderer.MIME: {"embed_options": {"actions": False}}}


def test_the_picture_has_its_description_escaped() -> None:
    svg = renderer.render(BARS)[0]["image/svg+xml"]
    assert 'aria-label="Two &lt;bars&gt; &amp; more"' in svg
    assert "<title>n: 2.5; who: bob &quot;b&quot;</title>" in svg


def test_is_the_same_in_another_process() -> None:
    """Time zone, locale and hash seed leave no trace; nor do charts drawn before."""
    code = (
        "from patina_lab.views import renderer; import tests_bars as t;"
        "[renderer.render(t.BARS) for _ in range({n})];"
        "print(renderer.render(t.BARS)[0]['image/svg+xml'])"
    )
    setup = f"import sys, types; t = types.ModuleType('tests_bars'); t.BARS = {BARS!r}; "
    setup += "sys.modules['tests_bars'] = t; "
    seen = {
        subprocess.run(
            [sys.executable, "-c", setup + code.format(n=n)],
            env={**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for n, zone, locale, seed in ((0, "UTC", "C", "1"), (2, "Asia/Kolkata", "C.UTF-8", "2"))
    }
    assert len(seen) == 1


def test_two_pictures_share_no_id() -> None:
    """They may stand in one page, where an id must be unique."""
    other = {**BARS, "data": {"values": [{"who": "eve", "n": 3}]}}
    ids = [set(renderer._ID.findall(renderer.svg(spec))) for spec in (BARS, other)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_text_that_looks_like_geometry_is_not_touched() -> None:
    """Only attributes are rounded; a label is the user's."""
    label = ' d="1.23456" (#id7) url(x)'
    spec = {**BARS, "data": {"values": [{"who": label, "n": 1}]}}
    assert "1.23456" in renderer.svg(spec)
    assert "(#id7)" in renderer.svg(spec)


def test_a_nul_in_a_label_does_not_end_the_process() -> None:
    """vl-convert aborts on it, and a kernel would die without a word."""
    spec = {**BARS, "data": {"values": [{"who": "a\x00\x1f\ud800b", "n": 1}]}}
    svg = renderer.render(spec)[0]["image/svg+xml"]
    assert "a\ufffd\ufffd\ufffdb" in svg


def test_never_fetches_data() -> None:
    """A chart of an outside address keeps its specification and says why no picture."""
    spec = {**BARS, "data": {"url": "https://example.com/data.csv"}}
    bundle, _ = renderer.render(spec)
    assert "image/svg+xml" not in bundle
    assert "not allowed: https://example.com/data.csv" in bundle["text/plain"]


def test_is_found_by_its_entry_point() -> None:
    """alt.renderers.enable("patina") works in any notebook, without an import of ours."""
    found = entry_points(group="altair.vegalite.v6.renderer", name="patina")
    if not found:
        pytest.skip("the package is on the path, but not installed")
    (entry,) = found
    assert entry.load() is renderer.render


def test_respects_the_users_choice() -> None:
    with alt.renderers.enable("svg"), alt.theme.enable("dark"):
        renderer.enable()
        assert (alt.renderers.active, alt.theme.active) == ("svg", "dark")
        renderer.enable(force=True)
        assert (alt.renderers.active, alt.theme.active) == ("patina", "patina")


def test_registers_itself_in_a_source_tree(monkeypatch) -> None:
    """Without installed metadata there is no entry point; the name works all the same."""
    monkeypatch.setattr("altair.utils.plugin_registry.importlib_metadata_get", lambda group: [])
    with alt.renderers.enable("default"):
        alt.renderers._plugins.pop("patina", None)
        renderer.enable()
        assert alt.renderers.get() is renderer.render
