"""The notebook ``observe`` as a person has it: JupyterLab, Chromium, a keyboard.

The rules of axe-core are asked of our widgets alone: what JupyterLab puts around them is
JupyterLab's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyterlab")
pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")

from lab_in_chromium import Seen, browser_page, chromium, jupyterlab, run_all

from patina_lab import datasets

ROOT = Path(__file__).resolve().parents[2]
TEXT = "Nobody lends a packet without a date"
WIDGETS = ".patina-widget"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        chromium() is None, reason="Chromium is not installed; ./run doctor says how to"
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


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Open the notebook on a copy of the teaching project, and run all of it, once."""
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


def test_an_observation_is_written_proposed_and_taken_back_by_keyboard(live: Live) -> None:
    """From the first field on, only keys: faults are said, the preview is what git then has."""
    form = live.widget("Write an observation")
    before = (live.git("rev-parse", "HEAD"), live.git("status", "--porcelain"))
    propose = form.get_by_role("button", name="Propose")
    assert propose.is_disabled()
    assert form.get_by_text("Write what you observed.").is_visible()

    form.get_by_label("Kind").focus()
    live.tab_to("What you observed")
    live.page.keyboard.type(TEXT)
    form.get_by_text("Write what you observed.").wait_for(state="hidden")
    live.tab_to("Domains, separated by commas")
    live.page.keyboard.type("!,")
    form.get_by_text("⚠ '!' is no name of a domain.").wait_for()
    assert propose.is_disabled()
    live.press("Backspace", "Backspace")
    live.page.keyboard.type("vali")
    form.get_by_role("button", name="validation").wait_for()
    live.tab_to("validation")
    live.press("Enter")
    live.page.wait_for_function(
        "[...document.querySelectorAll('.patina-widget input')]"
        ".some(e => e.value === 'validation, ')"
    )
    form.get_by_text("Ready.").wait_for()
    preview = form.get_by_role("region", name="The event file").inner_text()
    if place := os.environ.get("PATINA_SCREENSHOT"):
        form.scroll_into_view_if_needed()
        live.page.screenshot(path=place)
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


def test_events_are_filtered_and_read_by_keyboard(live: Live) -> None:
    """A filter narrows the list, an arrow reads an event with what is tied to it."""
    browser = live.widget("Browse events")
    browser.get_by_label("Type").focus()
    live.tab_to("Text in the event")
    live.page.keyboard.type("first come, first served")
    live.page.wait_for_function("document.body.innerText.match(/\\b[1-9] events match/)")
    assert "first come, first served" in browser.get_by_role("region", name="As code").inner_text()
    live.tab_to("Events")
    live.press("ArrowDown")
    browser.get_by_role("region", name="Payload of the event").wait_for()
    browser.get_by_text("Commits in the fortnight after").wait_for()
    browser.get_by_text("Hold the next packet for a member who waits").wait_for()


def test_the_slider_draws_the_past(live: Live) -> None:
    """Arrow keys move it; the chart, its words and the code follow."""
    slider = live.widget("hotspots through time")
    handle = slider.get_by_role("slider", name="As of")
    svg = slider.locator("figure svg")
    last, then = svg.get_attribute("aria-label"), handle.get_attribute("aria-valuetext")
    assert last
    handle.focus()
    live.press(*["ArrowLeft"] * 6)
    live.page.wait_for_function(
        "old => document.querySelector('.patina-widget figure svg')"
        "?.getAttribute('aria-label') !== old",
        arg=last,
    )
    now = handle.get_attribute("aria-valuetext")
    assert now < then
    slider.get_by_text(f"hotspots as of {now}").wait_for()
    assert f"lab.as_of('{now}')" in slider.get_by_role("region", name="As code").inner_text()


def test_axe_finds_nothing_in_the_widgets(live: Live) -> None:
    """After all that was done with them; with every rule of axe-core on."""
    assert live.page.locator(WIDGETS).count() == 3
    assert violations(live) == []


def test_control_axe_sees_what_is_wrong(live: Live) -> None:
    """Known-bad: a field without a name, and a picture without words, in the same place."""
    bad = "<div id='bad'><input><img src='data:,'></div>"
    live.page.evaluate(
        f"html => document.querySelector('{WIDGETS}').insertAdjacentHTML('beforeend', html)", bad
    )
    try:
        assert {line.partition(" ")[0] for line in violations(live)} >= {"label", "image-alt"}
    finally:
        live.page.evaluate("document.getElementById('bad').remove()")


def test_nobody_else_is_asked(live: Live) -> None:
    """No request left this machine, and none of our scripts failed."""
    assert live.seen.outside == []
    assert live.seen.errors == []
    assert live.page.get_by_text("Javascript Error").count() == 0
    assert live.page.get_by_text("Traceback").count() == 0
    # Known-bad control: a request that leaves is refused, and seen.
    there = "http://outside.invalid/"
    assert live.page.evaluate(
        "there => fetch(there).then(() => 'went', () => 'refused')", there
    ) == ("refused")
    assert live.seen.outside == [there]
    live.seen.outside.clear()


def test_chromium_is_the_system_s_own() -> None:
    """The tests would skip in silence if they looked for a browser that nobody has."""
    assert shutil.which(Path(chromium() or "").name)
