"""The notebook ``observe`` where nobody is: it never waits, and writes only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from notation import Repo

pytest.importorskip("papermill")
pytest.importorskip("ipywidgets")

from patina_lab.reports.run import run_notebook

OBSERVE = Path(__file__).resolve().parents[2] / "notebooks" / "observe.ipynb"
pytestmark = [pytest.mark.notebook, pytest.mark.slow]
Make = Callable[..., Repo]


def state(repo: Repo) -> tuple[str, str, str, list[str]]:
    """Return the branches, HEAD, what is staged or changed, and every file of the project."""
    files = [str(path) for path in sorted(repo.path.rglob("*")) if ".git" not in path.parts]
    head = repo.git("symbolic-ref", "HEAD")
    return repo.git("for-each-ref"), head, repo.git("status", "--porcelain"), files


def printed(notebook: Path) -> str:
    """Return what the cells printed, and what they showed as text."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    shown = ["".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs]
    return "\n".join(shown)


@pytest.fixture
def project(make_repo: Make) -> Repo:
    repo = make_repo("2025-03-01 git.commit ann a.py\n2025-03-08 git.commit ann b.py")
    repo.git("config", "user.name", "Ann")
    repo.git("config", "user.email", "ann@example.org")
    return repo


def test_writes_nothing_unless_told_to(project: Repo, tmp_path: Path) -> None:
    """Even with a text that could be written as it is."""
    before = state(project)
    report = run_notebook(OBSERVE, tmp_path, {"repo": project.path, "text": "A date is missing"})
    assert state(project) == before
    assert "Nothing was written." in printed(report.notebook)
    assert "A date is missing" in printed(report.notebook)
    # No widget is left in the file: there it would be an empty box.
    assert "jupyter.widget" not in report.notebook.read_text(encoding="utf-8")


def test_writes_what_it_was_told_to(project: Repo, tmp_path: Path) -> None:
    """The control of the test above: one note, one branch, and nothing else."""
    before = state(project)
    told = {"repo": project.path, "text": "A date is missing", "write": True}
    run_notebook(OBSERVE, tmp_path, told)
    after = state(project)
    assert after[1:3] == before[1:3]
    new = {str(Path(p).relative_to(project.path)) for p in set(after[3]) - set(before[3])}
    assert len([path for path in new if path.endswith("-observation-captured.json")]) == 1
    assert all(path.startswith(".patina/local") for path in new - {".patina", ".patina/.gitignore"})
    (branch,) = set(after[0].splitlines()) - set(before[0].splitlines())
    name = branch.rpartition("refs/heads/")[2]
    (path,) = project.git("diff", "--name-only", "main", name).split()
    event = json.loads(project.git("show", f"{name}:{path}"))
    assert event["payload"]["content"] == "A date is missing"
    assert event["author"] == "Ann"


def test_nobody_is_there_in_a_kernel_of_papermill(tmp_path: Path) -> None:
    """Told by what the front end says with each cell, without our own mark too."""
    import nbclient
    import nbformat

    code = (
        "import os\n"
        "from patina_lab.views.widgets import stage\n"
        "from patina_lab.eventlog.progress import BATCH\n"
        "os.environ.pop(BATCH, None)\n"
        "print(stage.attended())\n"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert notebook.cells[0].outputs[0]["text"].strip() == "False"
