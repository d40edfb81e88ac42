"""The page of a report: whole in itself, repeatable, and safe whatever a cell put out."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
nbconvert = pytest.importorskip("nbconvert")

import pandas as pd  # noqa: E402
from nbformat.v4 import (  # noqa: E402
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from patina_lab.reports.html import outside_requests, page  # noqa: E402
from patina_lab.reports.parameters import Parameter  # noqa: E402


def shown(**data: object):
    """Return a cell that displayed this, by the last part of the mime type."""
    mimes = {"svg": "image/svg+xml", "html": "text/html", "plain": "text/plain"}
    bundle = {mimes.get(kind, kind): value for kind, value in data.items()}
    return new_code_cell("x", outputs=[new_output("display_data", data=bundle)])


@pytest.fixture
def notebook():
    """Return a notebook with a bit of everything, as it is after a run."""
    pytest.importorskip("altair")
    from patina_lab.views import charts
    from patina_lab.views.renderer import render

    df = pd.DataFrame({"event_type": ["git.commit", "<b>&"], "events": [1200, 3]})
    bundle, _ = render(charts.event_counts(df).to_dict())
    cells = [
        new_markdown_cell("# The `log`\n\nSee [there](https://example.com/a)."),
        new_code_cell('repo: str = ""  # a path', metadata={"tags": ["parameters"]}),
        new_code_cell('repo = "x"', metadata={"tags": ["injected-parameters"]}),
        new_markdown_cell("## One"),
        new_code_cell("plot", outputs=[new_output("execute_result", data=bundle)]),
        new_markdown_cell("## Two"),
        new_code_cell("print()", outputs=[new_output("stream", text="1 < 2 \x1b[31mred\x1b[0m")]),
        new_markdown_cell("## Three"),
        shown(html="<table class='dataframe'><tr><td>a</td></tr></table>", plain="a"),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
    return new_notebook(cells=cells)


PARAMETERS = [Parameter("repo", "str", "", "a path")]


def test_asks_nothing_of_any_network(notebook) -> None:
    """A link that a reader may follow is no request."""
    text = page(notebook, "log.ipynb", PARAMETERS, {"repo": "x"}, "abc")
    assert outside_requests(text) == []
    assert 'href="https://example.com/a"' in text
    assert "default-src 'none'" in text
    assert "<script" not in text


def test_the_control_nbconverts_own_page_does(notebook) -> None:
    """The check sees the scripts that the default template loads."""
    text, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert len(outside_requests(text)) >= 3


@pytest.mark.parametrize(
    "text",
    [
        "<script src=https://a.example/x.js></script>",
        "<link rel=stylesheet href='//a.example/x.css'>",
        "<img srcset='https://a.example/x.png 2x'>",
        "<iframe src='HTTP://a.example'></iframe>",
        "<svg><image xlink:href='https://a.example/x.png'/></svg>",
        "<svg><use href='https://a.example/x.svg#a'/></svg>",
        "<style>@import 'https://a.example/x.css';</style>",
        "<style>a { background: url(https://a.example/x.png) }</style>",
        "<p style=\"background: url('https://a.example/x.png')\">",
        "<script>import x from 'https://a.example/x.mjs'</script>",
        "<script>fetch('https://a.example')</script>",
        "<video poster='https://a.example/x.png'></video>",
        "<object data='https://a.example/x'></object>",
    ],
)
def test_each_kind_of_request_is_seen(text: str) -> None:
    assert len(outside_requests(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "<a href='https://a.example'>a</a>",
        "<a href='#here'>a</a>",
        "<img src='data:image/png;base64,AAAA'>",
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'/>",
        "<p>url(https://a.example)</p>",
        "<style>a { clip-path: url(#p1) }</style>",
    ],
)
def test_what_is_no_request_is_left_alone(text: str) -> None:
    assert outside_requests(text) == []


def test_is_the_same_each_time(notebook) -> None:
    assert page(notebook, "log.ipynb", PARAMETERS) == page(notebook, "log.ipynb", PARAMETERS)


def test_shows_parameters_instead_of_their_cells(notebook) -> None:
    text = page(notebook, "log.ipynb", PARAMETERS, {"repo": "<x>"}, "abc123")
    assert "<td>&lt;x&gt;</td><td>a path</td>" in text
    assert "<i>empty</i>" in page(notebook, "log.ipynb", PARAMETERS)
    assert 'repo = "x"' not in text
    assert "<code>abc123</code>" in text


def test_a_chart_has_its_numbers_beside_it(notebook) -> None:
    """Picture, description and table; user text is text in all three."""
    text = page(notebook, "log.ipynb")
    assert "<summary>The numbers</summary>" in text
    assert '<td>git.commit</td><td class="number">1,200</td>' in text
    assert '<td>&lt;b&gt;&amp;</td><td class="number">3</td>' in text
    assert 'aria-label="Events by type:' in text
    assert "<b>&" not in text


def test_code_is_folded_unless_the_notebook_teaches(notebook) -> None:
    assert '<details class="code">' in page(notebook, "log.ipynb")
    notebook.metadata["patina"] = {"code": "open"}
    assert '<details class="code" open' in page(notebook, "log.ipynb")


def test_sections_are_listed_where_there_are_several(notebook) -> None:
    """Three or more; a short page needs no contents."""
    assert '<li><a href="#Two">Two</a></li>' in page(notebook, "log.ipynb")
    notebook.cells = notebook.cells[:6]
    assert "<nav" not in page(notebook, "log.ipynb")


def test_names_are_escaped(notebook) -> None:
    notebook.cells[0].source = "# <script>alert(1)</script>"
    text = page(notebook, "<i>.ipynb", [Parameter("<u>", "str", "<s>", "<q>")], {}, "<em>")
    head = text[: text.index("<main>")]
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in head
    for tag in ("<i>.", "<u>", "<s>", "<q>", "<em>"):
        assert tag not in text


def test_output_for_a_live_notebook_only_says_so() -> None:
    """A form's model is not in the page; the words stand instead of a blank."""
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    assert "A live notebook shows something here" in page(
        new_notebook(cells=[shown(**widget)]), "x"
    )
    assert "Text(value=3)" in page(
        new_notebook(cells=[shown(**widget, plain="Text(value=3)")]), "x"
    )


def test_html_is_preferred_and_text_is_the_last_resort() -> None:
    nb = new_notebook(cells=[shown(html="<p>rich</p>", plain="poor"), shown(plain="a <b> c")])
    text = page(nb, "x")
    assert "<p>rich</p>" in text
    assert "poor" not in text
    assert "a &lt;b&gt; c" in text
