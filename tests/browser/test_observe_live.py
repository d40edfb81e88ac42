"""The notebook ``observe`` as a person has it: JupyterLab, Chromium, a keyboard.

The rules of axe-core are asked of our widgets alone: what JupyterLab puts around them is
JupyterLab's.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyterlab")
pytest.importorskip("playwright", reason="playwright is not installed: ./run setup")

from lab_in_chromium import Seen, browser_page, chromium, jupyterlab, run_all

from patina_lab import datasets

ROOT = Path(__file__).resolve().parents[2]
TEXT = "Nobody lends a packet without a date"
WIDGETS = ".patina-widget"
REQUIRED = "PATINA_BROWSER_REQUIRED" in os.environ  # CI: no Chromium is a failure, no skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        chromium() is None and not REQUIRED,
        reason="Chromium is not installed; ./run doctor says how to",
    ),
]


@dataclass
class Live:
    """An open notebook, and the project that it works on."""

    page: Any
    seen: Seen
    project: Path

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.project), *args], capture_output=True, text=True, check=True
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """Return the accessible name of what has the focus, as far as we give it one."""
        return self.page.evaluate(
            """() => {
                const e = document.activeElement;
                const label = e.labels && e.labels.length ? e.labels[0].innerText : '';
                return (e.getAttribute('aria-label') || label || e.innerText || '').trim();
            }"""
        )

    def tab_to(self, name: str, most: int = 40) -> None:
        """Press Tab until what is called `name` has the focus."""
        passed = []
        for _ in range(most):
            self.press("Tab")
            passed.append(self.focused())
            if passed[-1] == name:
                return
        raise AssertionError(f"Tab never came to {name!r}, but to {passed}")

    def widget(self, title: str) -> Any:
        return self.page.locator(WIDGETS).filter(has=self.page.get_by_role("heading", name=title))

    def until(self, script: str, arg: Any = None) -> None:
        """Wait until the page says yes."""
        self.page.wait_for_function(script, arg=arg)


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Open the notebook on a copy of the teaching project, and run all of it."""
    scratch = tmp_path_factory.mktemp("jupyter")
    project = datasets.teaching(tmp_path_factory.mktemp("project") / "teaching")
    for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        subprocess.run(["git", "-C", str(project), "config", key, value], check=True)
    folder = scratch / "notebooks"
    folder.mkdir()
    notebook = json.loads((ROOT / "notebooks" / "observe.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            cell["source"] = "".join(cell["source"]).replace(
                'repo: str = ""', f"repo: str = {str(project)!r}"
            )
    (folder / "observe.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with (
        pytest.MonkeyPatch.context() as patch,
        browser_page() as (page, seen),
    ):
        patch.setenv("PATINA_HOME", str(scratch / "home"))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        with jupyterlab(folder, scratch) as address:
            run_all(page, address, "observe.ipynb")
            page.wait_for_function(f"document.querySelectorAll('{WIDGETS}').length === 3")
            yield Live(page, seen, project)


def violations(live: Live) -> list[str]:
    """Return what axe-core finds in our widgets, a line a rule and element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(live.page, context={"include": [[WIDGETS]]})
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def test_the_notebook_by_keyboard_alone(live: Live) -> None:
    """Write, propose, take back; look around; go back in time: in one sitting, as a person does.

    One test, since starting JupyterLab takes longer than all of it.
    """
    write_propose_and_take_back(live)
    filter_page_and_read(live)
    go_back_in_time(live)
    fit_a_narrow_page(live)
    assert live.page.locator(WIDGETS).count() == 3
    assert violations(live) == []
    assert live.seen.complaints() == []
    assert live.page.get_by_text("Javascript Error").count() == 0
    assert live.page.get_by_text("Traceback").count() == 0
    axe_sees_what_is_wrong(live)


def write_propose_and_take_back(live: Live) -> None:
    """Faults are said as one types, the preview is what git then has, undo reverts it."""
    form = live.widget("Write an observation")
    before = (live.git("rev-parse", "HEAD"), live.git("status", "--porcelain"))
    propose = form.get_by_role("button", name="Propose")
    assert propose.is_disabled()
    assert form.get_by_text("Write what you observed.").is_visible()

    form.get_by_label("Kind").focus()
    live.tab_to("What you observed")
    live.page.keyboard.type(TEXT)
    form.get_by_text("Write what you observed.").wait_for(state="hidden")
    live.tab_to("Domains, with commas")
    live.page.keyboard.type("!,")
    form.get_by_text("⚠ '!' is no name of a domain.").wait_for()
    assert propose.is_disabled()
    live.press("Backspace", "Backspace")
    live.page.keyboard.type("vali")
    form.get_by_role("button", name="validation").wait_for()
    live.tab_to("validation")
    live.press("Enter")
    live.until(
        "name => [...document.querySelectorAll('.patina-widget input')]"
        ".some(e => e.value === name)",
        "validation, ",
    )
    form.get_by_text("Ready.").wait_for()
    file = form.get_by_role("group", name="The event file")
    file.filter(has_text='"validation"').wait_for()
    preview = file.inner_text()
    change = form.get_by_role("group", name="The change, as git shows it").inner_text()
    assert "+++ b/.patina/shared/events/" in change
    picture(live, form)
    live.tab_to("Propose")
    live.press("Enter")

    form.get_by_text("Proposed on the branch").first.wait_for()
    (branch,) = live.git(
        "branch", "--list", "add-observation-*", "--format=%(refname:short)"
    ).split()
    changed = live.git("diff", "--name-only", "main", branch).split()
    assert len(changed) == 1
    text = live.git("show", f"{branch}:{changed[0]}")
    assert text.strip() == preview.strip()
    assert json.loads(text)["payload"] == {
        "content": TEXT,
        "source_type": "manual",
        "domains": ["validation"],
    }
    assert live.git("log", "-1", "--format=%an <%ae>", branch).strip() == "Ann <ann@example.org>"
    assert (live.git("rev-parse", "HEAD"), live.git("status", "--porcelain")) == before

    live.tab_to("Undo last")
    live.press("Enter")
    form.get_by_text("Taken back:").first.wait_for()
    assert live.git("diff", "--name-only", "main", branch) == ""
    assert live.git("rev-list", "--count", f"main..{branch}").strip() == "2"


def filter_page_and_read(live: Live) -> None:
    """Turn a page and back; a filter narrows the list; an arrow reads an event."""
    browser = live.widget("Browse events")
    listed = browser.get_by_label("Events").locator("option")
    newest = listed.first.inner_text()
    browser.get_by_label("Type").focus()
    live.tab_to("Older")
    live.press("Enter")
    browser.get_by_text(newest).wait_for(state="detached")
    assert listed.count() == 10
    live.press("Shift+Tab")
    assert live.focused() == "Newer"
    live.press("Space")
    live.until(
        "text => document.querySelector('.patina-widget select[size] option')?.innerText === text",
        newest,
    )
    # The list is sent first: the page is whole once the first one has no newer one.
    live.until(
        "() => [...document.querySelectorAll('.patina-widget button')]"
        ".some(b => b.innerText.trim() === 'Newer' && b.disabled)"
    )

    browser.get_by_label("Type").focus()
    live.tab_to("Text in the event")
    asked = "first come, first served"
    live.page.keyboard.type(asked)
    assert browser.get_by_label("Text in the event").input_value() == asked
    try:
        browser.get_by_text("4 events match; 4 are listed.").wait_for()
    except Exception as err:
        raise AssertionError(f"The browser shows: {browser.inner_text()}") from err
    code = browser.get_by_role("group", name="As code")
    code.filter(has_text="first come, first served").wait_for()
    live.tab_to("Events")
    live.press("ArrowDown", "ArrowDown", "ArrowDown")
    # The arrow did not leave for JupyterLab's cells.
    assert live.focused() == "Events"
    payload = browser.get_by_role("group", name="Payload of the event")
    payload.filter(has_text='"Whoever returned most"').wait_for()
    browser.get_by_text("Commits in the fortnight after").wait_for()
    browser.get_by_text("Hold the next packet for a member who waits").last.wait_for()
    assert "+++ b/" in browser.get_by_role("group", name="Its last change").inner_text()


def go_back_in_time(live: Live) -> None:
    """Arrow keys move the slider; the chart, its words and the code follow."""
    slider = live.widget("hotspots through time")
    handle = slider.get_by_role("slider", name="As of")
    svg = slider.locator("figure svg")
    last, then = svg.get_attribute("aria-label"), handle.get_attribute("aria-valuetext")
    assert last
    handle.focus()
    live.press(*["ArrowLeft"] * 6)
    live.until(
        "old => document.querySelector('.patina-widget figure svg')"
        "?.getAttribute('aria-label') !== old",
        last,
    )
    now = handle.get_attribute("aria-valuetext")
    assert now < then
    slider.get_by_text(f"hotspots as of {now}").wait_for()
    code = slider.get_by_role("group", name="As code")
    code.filter(has_text=f"lab.as_of('{now}')").wait_for()


def fit_a_narrow_page(live: Live) -> None:
    """Nothing stands out of a widget at half the width: labels go above their fields."""
    wide = live.page.viewport_size
    live.page.set_viewport_size({"width": 760, "height": 1100})
    live.page.wait_for_timeout(500)
    label, field = live.page.evaluate(
        """() => {
            const area = document.querySelector('.patina-widget textarea');
            return [area.labels[0], area].map(e => e.getBoundingClientRect().toJSON());
        }"""
    )
    assert label["bottom"] <= field["top"] + 1
    assert too_wide(live) == []
    live.page.set_viewport_size(wide)


def too_wide(live: Live) -> list[str]:
    """Return what reaches over the right edge of its widget."""
    return live.page.evaluate(
        """() => [...document.querySelectorAll('.patina-widget')].flatMap(box => {
            const edge = box.getBoundingClientRect().right + 1;
            return [...box.querySelectorAll('input, select, textarea, button, pre, svg, td')]
                .filter(e => !e.closest('svg svg') && e.getBoundingClientRect().right > edge)
                .map(e => e.outerHTML.slice(0, 120));
        })"""
    )


def axe_sees_what_is_wrong(live: Live) -> None:
    """Known-bad control: a field without a name and a picture without words, in a widget."""
    live.page.evaluate(
        """box => document.querySelector(box).insertAdjacentHTML(
            'beforeend', "<div><input><img src='data:,'></div>")""",
        WIDGETS,
    )
    assert {line.partition(" ")[0] for line in violations(live)} >= {"label", "image-alt"}


def picture(live: Live, form: Any) -> None:
    """Keep the README's picture where PATINA_SCREENSHOT says; see CONTRIBUTING.md."""
    place = os.environ.get("PATINA_SCREENSHOT")
    if not place:
        return
    wide = live.page.viewport_size
    live.page.set_viewport_size({"width": 1060, "height": 860})
    live.press("Control+b")  # keys with Ctrl are JupyterLab's: its side bar closes
    live.page.locator(".jp-FileBrowser").wait_for(state="hidden")
    form.evaluate("box => box.closest('.jp-Cell').scrollIntoView()")
    live.page.wait_for_timeout(1000)
    live.page.screenshot(path=ROOT / place)
    live.press("Control+b")
    live.page.set_viewport_size(wide)


def test_control_a_page_that_asks_outside_is_caught() -> None:
    """Known-bad: a picture, a script's question and a socket from elsewhere; all are refused."""
    with browser_page() as (page, seen):
        page.set_content("<img src='http://outside.invalid/a.png'>")
        there = "https://elsewhere.invalid/b.js"
        answer = page.evaluate("a => fetch(a).then(() => 'went', () => 'refused')", there)
        assert answer == "refused"
        socket = "ws://sockets.invalid/"
        ended = page.evaluate(
            "a => new Promise(r => { new WebSocket(a).onerror = () => r(1); })", socket
        )
        assert ended == 1
        page.evaluate("setTimeout(() => { throw new Error('broken'); })")
        page.wait_for_timeout(200)
        assert seen.complaints() == [
            "the page asked for http://outside.invalid/a.png",
            f"the page asked for {there}",
            f"the page asked for {socket}",
            "a script failed: broken",
        ]
