"""Every notebook: clean as committed, and running on any repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from notation import Repo

pytest.importorskip("papermill")
pytest.importorskip("altair")

from patina_lab import datasets, errors
from patina_lab.reports.html import outside_requests
from patina_lab.reports.parameters import declared
from patina_lab.reports.run import Report, run_notebook

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def each(paths: list[Path]) -> pytest.MarkDecorator:
    """Give a test every notebook; one worker has all runs of one, so that they share the first."""
    marked = [pytest.param(p, id=p.stem, marks=pytest.mark.xdist_group(p.stem)) for p in paths]
    return pytest.mark.parametrize("path", marked)


every_notebook = each(NOTEBOOKS)


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def cells(path: Path) -> list[dict]:
    return read(path)["cells"]


def tagged(path: Path, tag: str) -> list[dict]:
    return [cell for cell in cells(path) if tag in cell["metadata"].get("tags", ())]


# -- as committed ----------------------------------------------------------------------


@every_notebook
def test_holds_no_outputs(path: Path) -> None:
    """What a run leaves behind is no source: no output, no count, no time."""
    for cell in cells(path):
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert set(cell["metadata"]) <= {"tags"}
    assert [cell["id"] for cell in cells(path)] == [str(n) for n in range(len(cells(path)))]


@every_notebook
def test_nbstripout_agrees(path: Path) -> None:
    """The gate of the commit hook."""
    pytest.importorskip("nbstripout")
    subprocess.run([sys.executable, "-m", "nbstripout", "--verify", path], check=True)


@every_notebook
def test_names_the_kernel_that_everyone_has(path: Path) -> None:
    metadata = read(path)["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["language_info"] == {"name": "python"}
    assert set(metadata) <= {"kernelspec", "language_info", "patina"}


@every_notebook
def test_parameters_are_read_alike_by_papermill(path: Path) -> None:
    """No line is so clever that ``papermill --help-notebook`` misses it."""
    import papermill

    ours = declared(read(path), path.name)
    theirs = papermill.inspect_notebook(str(path))
    assert [p.name for p in ours] == list(theirs)
    for parameter in ours:
        told = theirs[parameter.name]
        assert told["inferred_type_name"] == parameter.type
        assert told["help"] == parameter.help
        assert parameter.help
    assert {"repo", "until"} <= set(theirs)
    assert {p.default for p in ours if p.name in ("repo", "until")} == {""}


@every_notebook
def test_ends_with_digest_and_assertions(path: Path) -> None:
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert "digest" in code[-1]["metadata"].get("tags", ())
    assert any("assert " in "".join(cell["source"]) for cell in code[-2:])


@every_notebook
def test_is_listed_in_the_readme(path: Path) -> None:
    assert path.name in (FOLDER / "README.md").read_text(encoding="utf-8")


# -- running ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _one_home(_shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests of this file share their logs: the teaching project is read once."""
    monkeypatch.setenv("PATINA_HOME", str(_shared))


@pytest.fixture(scope="module")
def on_teaching(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that runs a notebook on the teaching project, once."""
    done: dict[Path, Report] = {}

    def run(path: Path) -> Report:
        if path not in done:
            done[path] = run_notebook(path, tmp_path_factory.mktemp("teaching"))
        return done[path]

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a repository of one commit, whose words are not nice."""
    repo = Repo.init(tmp_path / "tiny")
    folder = repo.path / "<script>alert(1)<"
    folder.mkdir()
    (folder / "a&b.txt").write_text("hello\n", encoding="utf-8")
    repo.git("add", ".")
    message = "<script>alert(1)</script> & more"
    repo.git("commit", "-q", "-m", message, GIT_AUTHOR_NAME="Bo <b>Bo</b>")
    return repo.path


@pytest.mark.notebook
@pytest.mark.slow
@every_notebook
def test_runs_on_the_teaching_project(on_teaching, path: Path) -> None:
    """The digest in the report is that of the log."""
    import patina_lab as pt

    report = on_teaching(path)
    lab = pt.open(datasets.teaching())
    lab.scrape()  # a notebook may have read a copy
    assert report.digest == lab.digest
    assert report.seconds < 60
    assert outside_requests(report.html.read_text(encoding="utf-8")) == []


@pytest.mark.notebook
@pytest.mark.slow
@every_notebook
def test_two_runs_give_the_same_bytes(on_teaching, path: Path, tmp_path: Path) -> None:
    """Even though the second reads a log that is already there."""
    one, two = on_teaching(path), run_notebook(path, tmp_path)
    assert one.notebook.read_bytes() == two.notebook.read_bytes()
    assert one.html.read_bytes() == two.html.read_bytes()


@pytest.mark.notebook
@pytest.mark.slow
@every_notebook
@pytest.mark.parametrize("until", ["", "2024-01-01"])
def test_runs_on_a_single_commit_and_on_none(
    path: Path, tiny: Path, until: str, tmp_path: Path
) -> None:
    """No notes, no tags, no pair of files; before its first day, nothing at all."""
    before = sorted(tiny.rglob("*"))
    report = run_notebook(path, tmp_path, {"repo": tiny, "until": until})
    text = report.html.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<b>Bo" not in text
    assert sorted(tiny.rglob("*")) == before, "something was written into the repository"


@pytest.mark.notebook
@pytest.mark.slow
@every_notebook
def test_until_limits_what_is_known(on_teaching, path: Path, tmp_path: Path) -> None:
    report = run_notebook(path, tmp_path, {"until": "2025-02-01"})
    assert report.digest != on_teaching(path).digest


@pytest.mark.notebook
@pytest.mark.slow
def test_the_quickstart_shows_every_chart(on_teaching) -> None:
    """Pictures, each with its words and its numbers; no empty one on the teaching project."""
    text = on_teaching(FOLDER / "01_quickstart.ipynb").html.read_text(encoding="utf-8")
    labels = re.findall(
        r'role="graphics-document"[^>]*|aria-label="[^"]*"[^>]*role="graphics-doc', text
    )
    assert len(labels) == 5
    assert text.count("<summary>The numbers</summary>") == 5
    assert "There is nothing to draw" not in text


@pytest.mark.notebook
@pytest.mark.slow
def test_the_solutions_solve_their_exercises(tmp_path: Path) -> None:
    """Each folded solution runs where its exercise stands."""
    source = FOLDER / "02_event_sourcing.ipynb"
    notebook = read(source)
    solved = []
    for cell in notebook["cells"]:
        code = re.findall(r"```python\n(.*?)```", "".join(cell["source"]), re.DOTALL)
        if cell["cell_type"] == "markdown" and code and "<details>" in "".join(cell["source"]):
            solved.append(cell["id"])
            cell.update(cell_type="code", source=code[0], outputs=[], execution_count=None)
    assert len(solved) == 4
    copy = tmp_path / "solved.ipynb"
    copy.write_text(json.dumps(notebook), encoding="utf-8")
    run_notebook(copy, tmp_path / "out")


@pytest.mark.notebook
@pytest.mark.slow
@every_notebook
def test_a_path_that_is_no_repository_is_one_sentence(path: Path, tmp_path: Path) -> None:
    """The error of the cell is that of the library, with the cell's number."""
    (tmp_path / "plain").mkdir()
    with pytest.raises(errors.NotARepository, match=r"^Cell 3 of .* failed: NotARepository: "):
        run_notebook(path, tmp_path / "out", {"repo": tmp_path / "plain"})


@every_notebook
def test_a_mistyped_parameter_is_refused_at_once(path: Path, tmp_path: Path) -> None:
    with pytest.raises(
        errors.UnknownName, match=r"has no parameter 'untill'. Did you mean 'until'"
    ):
        run_notebook(path, tmp_path, {"untill": "2025-01-01"})


# -- beliefs ---------------------------------------------------------------------------

BELIEVING = [
    FOLDER / f"{name}.ipynb"
    for name in ("03_time_travel", "06_rules_ab", "07_personas", "08_report_ci")
]
every_believing = each(BELIEVING)


@pytest.mark.notebook
@pytest.mark.slow
@every_believing
def test_without_prolog_it_says_so_and_runs_on(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with its remedy, and everything else."""
    tools = tmp_path / "tools"
    tools.mkdir()
    git = shutil.which("git")
    assert git
    (tools / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tools))
    report = run_notebook(path, tmp_path / "out")
    text = re.sub(r"\s+", " ", report.html.read_text(encoding="utf-8"))
    assert "SWI-Prolog" in text
    assert "not installed" in text
    assert "Traceback" not in text
    assert report.digest


@pytest.mark.notebook
@pytest.mark.slow
@every_believing
def test_without_the_embedder_it_says_so_and_runs_on(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after ``pip install patina-lab[lab]``."""
    absent = tmp_path / "absent"
    absent.mkdir()
    names = ["onnxruntime", "sentence_transformers"]
    hiding = f"import sys\nsys.modules.update(dict.fromkeys({names}))\n"
    (absent / "sitecustomize.py").write_text(hiding, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(absent))
    monkeypatch.setenv("PATINA_HOME", str(tmp_path / "home"))  # what was embedded once is kept
    report = run_notebook(path, tmp_path / "out")
    text = re.sub(r"\s+", " ", report.html.read_text(encoding="utf-8"))
    assert "onnxruntime" in text
    assert "pip install" in text
    assert "Traceback" not in text


@pytest.mark.notebook
@pytest.mark.slow
def test_a_limit_that_cannot_be_checked_is_not_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without rules nobody knows what was lost; a CI that asked must not be told yes."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(tools))
    notebook = FOLDER / "08_report_ci.ipynb"
    limits = {"max_lost": 100, "min_beliefs": 1, "max_quarantined": -1}
    report = run_notebook(notebook, tmp_path / "out", limits)
    assert [one.name for one in report.checks.failed] == ["beliefs", "lost beliefs"]


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("swipl") is None, reason="swipl is not installed")
def test_the_checks_of_the_teaching_project(on_teaching, tmp_path: Path) -> None:
    """Its two bad files are found; limits that hold are met, and those that do not are not."""
    notebook = FOLDER / "08_report_ci.ipynb"
    found = {one.name: one for one in on_teaching(notebook).checks}
    assert found["quarantined"].value == 2
    assert [one.name for one in on_teaching(notebook).checks.failed] == ["quarantined"]
    assert found["log of HEAD"].state == "met"
    beliefs, lost = (found[name].value for name in ("beliefs", "lost beliefs"))
    assert beliefs > 0

    limits = {"max_quarantined": 2, "min_beliefs": beliefs, "max_lost": lost}
    report = run_notebook(notebook, tmp_path / "met", limits)
    assert report.checks.failed == ()
    too_much = {"max_quarantined": 2, "min_beliefs": beliefs + 1, "max_stale_days": 0.5}
    report = run_notebook(notebook, tmp_path / "not", too_much)
    assert [one.name for one in report.checks.failed] == ["stale notes", "beliefs"]


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize(
    ("since", "kind", "told"),
    [
        ("2030-01-01", errors.InvalidOption, "has happened since 2030-01-01: the last event is of"),
        ("nonsense", errors.UsageError, "nonsense"),
    ],
)
def test_a_moment_that_cannot_be_compared_with(tmp_path: Path, since, kind, told) -> None:
    """Compared with what is still to come, everything would be new; a slip is no failed check."""
    with pytest.raises(kind, match=told) as caught:
        run_notebook(FOLDER / "08_report_ci.ipynb", tmp_path, {"since": since})
    assert caught.value.exit_code == 2
    assert not caught.value.message.endswith("..")


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("swipl") is None, reason="swipl is not installed")
def test_a_belief_is_followed_explained_and_compared(on_teaching) -> None:
    """On the teaching project there is something to see in each of them."""
    seen = {path.stem: on_teaching(path).html.read_text(encoding="utf-8") for path in BELIEVING}
    assert "90 % of the evidence" in seen["03_time_travel"]
    assert "adequate_score" in seen["06_rules_ab"], "a flip names the limit that makes it"
    assert "McNemar" in seen["06_rules_ab"]
    assert "It would not be held without" in seen["07_personas"]
