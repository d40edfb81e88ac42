"""Running a notebook as a report: strict, repeatable, and clear when it fails."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("papermill")
nbformat = pytest.importorskip("nbformat")

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook  # noqa: E402

from patina_lab import errors  # noqa: E402
from patina_lab.reports.run import run_notebook  # noqa: E402

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


@pytest.fixture
def notebook(tmp_path: Path):
    """Return a function that writes a notebook of these cells after its parameters."""

    def write(*cells: str, parameters: str = 'who: str = "ann"  # a name\ntop: int = 3'):
        nb = new_notebook(
            cells=[
                new_markdown_cell("# A *small* report"),
                new_code_cell(parameters, metadata={"tags": ["parameters"]}),
                *(new_code_cell(cell) for cell in cells),
                new_code_cell("'0123abc'", metadata={"tags": ["digest"]}),
            ]
        )
        path = tmp_path / "in" / "small.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nb, path)
        return path

    return write


def outputs(path: Path) -> list[str]:
    """Return what the cells of a notebook printed."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        "".join(output["text"])
        for cell in cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    ]


def test_leaves_a_notebook_and_a_page(notebook, tmp_path: Path) -> None:
    """The parameters arrive as given, whatever letters they hold."""
    source = notebook("print(who * top)")
    before = source.read_bytes()
    seen = []
    report = run_notebook(
        source,
        tmp_path / "out",
        {"who": "a\"\\\n'ü", "top": 2},
        progress=lambda done, of: seen.append((done, of)),
    )
    assert outputs(report.notebook) == ["a\"\\\n'üa\"\\\n'ü\n"]
    assert report.digest == "0123abc"
    assert report.parameters == {"who": "a\"\\\n'ü", "top": 2}
    assert "<title>A small report</title>" in report.html.read_text(encoding="utf-8")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["small.html", "small.ipynb"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert source.read_bytes() == before
    assert repr(report).startswith(f"<report {report.html}, log 0123abc, ")


def test_two_runs_leave_the_same_bytes(notebook, tmp_path: Path) -> None:
    """No time, no random id, no process number; sets are printed in one order."""
    source = notebook(
        "import warnings; warnings.warn('careful')", "{f'name{n}' for n in range(40)}"
    )
    one, two = (
        run_notebook(source, tmp_path / out, {"top": 2}, name="same") for out in ("one", "two")
    )
    assert one.notebook.read_bytes() == two.notebook.read_bytes()
    assert one.html.read_bytes() == two.html.read_bytes()
    assert "careful" in one.html.read_text(encoding="utf-8")


def test_an_old_notebook_without_cell_ids_is_repeatable_too(tmp_path: Path) -> None:
    """Before format 4.5 cells had no ids, and nbformat would draw random ones."""
    source = tmp_path / "old.ipynb"
    cell = {
        "cell_type": "code",
        "source": "1",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    old = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
    source.write_text(json.dumps(old), encoding="utf-8")
    one, two = (run_notebook(source, tmp_path / out) for out in ("one", "two"))
    assert one.notebook.read_bytes() == two.notebook.read_bytes()


def test_runs_with_this_python_and_without_the_users_profile(
    notebook, tmp_path: Path, monkeypatch
) -> None:
    """Another Python's kernelspec, a start-up file and a profile are all passed by."""
    other = tmp_path / "jupyter" / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    profile = tmp_path / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00.py").write_text("intruder = 1", encoding="utf-8")
    startup = tmp_path / "startup.py"
    startup.write_text("intruder = 2", encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONSTARTUP", str(startup))
    source = notebook("import sys; print(sys.executable, 'intruder' in globals())")
    report = run_notebook(source, tmp_path / "out")
    assert outputs(report.notebook) == [f"{sys.executable} False\n"]


def test_leaves_no_temporary_files(notebook, tmp_path: Path, monkeypatch) -> None:
    """Not after success and not after failure."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    run_notebook(notebook("1"), tmp_path / "out")
    with pytest.raises(errors.CheckFailed):
        run_notebook(notebook("1 / 0"), tmp_path / "out")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_works_inside_a_running_event_loop(notebook, tmp_path: Path) -> None:
    """A notebook that makes a report is itself run by an event loop."""

    async def cell() -> str | None:
        return run_notebook(notebook("1"), tmp_path / "out").digest

    assert asyncio.run(cell()) == "0123abc"


def test_a_failing_cell_is_named_and_the_notebook_kept(notebook, tmp_path: Path) -> None:
    """The cell's number is that in the source, where there is no injected cell."""
    source = notebook("fine = 1", "\nassert fine == 2, 'not two'", "print('never')")
    with pytest.raises(errors.CheckFailed) as caught:
        run_notebook(source, tmp_path / "out", {"top": 1})
    assert caught.value.message == (
        "Cell 4 of small.ipynb (`assert fine == 2, 'not two'`) failed: AssertionError: not two."
    )
    kept = tmp_path / "out" / "small.ipynb"
    assert caught.value.hint == f"The notebook as far as it came: {kept}"
    assert "AssertionError" in kept.read_text(encoding="utf-8")
    assert "never\\n" not in kept.read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "small.html").exists()


@pytest.mark.parametrize(("name", "code"), [("UnknownTime", 2), ("StoreFull", 1), ("Own", 1)])
def test_a_request_that_a_cell_cannot_understand_is_none(
    notebook, tmp_path: Path, name: str, code: int
) -> None:
    """It is of the class that the cell raised, and so its exit code is 2; all else is a failure."""
    source = notebook(
        "from patina_lab.errors import *\nclass Own(UsageError): pass",
        f"raise {name}('No such day.', 'Write one.')",
    )
    with pytest.raises(errors.PatinaError) as caught:
        run_notebook(source, tmp_path / "out")
    assert caught.value.exit_code == code
    assert type(caught.value).__name__ == (name if code == 2 else "CheckFailed")
    assert caught.value.message.endswith(f"failed: {name}: No such day. Write one.")


def test_a_cell_that_hangs_is_stopped(notebook, tmp_path: Path) -> None:
    source = notebook("import time; print('here', flush=True); time.sleep(60)")
    with pytest.raises(errors.CheckFailed, match=r"^Cell 3 of .* took longer than 3 s\."):
        run_notebook(source, tmp_path / "out", timeout=3)
    assert outputs(tmp_path / "out" / "small.ipynb") == ["here\n"]


def test_a_kernel_that_dies_is_reported(notebook, tmp_path: Path) -> None:
    source = notebook("import os; os._exit(3)")
    with pytest.raises(errors.CheckFailed, match=r"^The kernel died in cell 3 of small\.ipynb"):
        run_notebook(source, tmp_path / "out")


def test_a_kernel_that_does_not_start_is_reported(
    notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = notebook("print('never')")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(errors.CheckFailed, match=r"^The kernel of small\.ipynb did not start: "):
        run_notebook(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="sockets with a path")
@pytest.mark.parametrize(("folder", "transport"), [("short", "ipc"), ("long" * 25, "tcp")])
def test_a_kernel_takes_no_port_where_a_path_will_do(
    notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, transport: str
) -> None:
    """Ports are chosen before the kernel listens there: two that start at once can collide."""
    place = Path(tempfile.mkdtemp()) / folder
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    source = notebook(
        "import json, ipykernel.connect as c",
        "print(json.loads(c.get_connection_info())['transport'])",
    )
    run_notebook(source, tmp_path / "out")
    assert outputs(tmp_path / "out" / "small.ipynb") == [f"{transport}\n"]
    assert not list(place.iterdir())
    shutil.rmtree(place.parent)


def test_a_mistyped_parameter_runs_nothing(notebook, tmp_path: Path) -> None:
    """The control: papermill alone warns, uses the default, and ends well."""
    import papermill

    source = notebook("print(who)")
    ran = papermill.execute_notebook(
        str(source),
        None,
        {"hwo": "bob"},
        kernel_name="python3",
        language="python",
        progress_bar=False,
    )
    assert ran.cells[3].outputs[0].text == "ann\n"
    with pytest.raises(errors.UnknownName) as caught:
        run_notebook(source, tmp_path / "out", {"hwo": "bob"})
    assert str(caught.value) == "small.ipynb has no parameter 'hwo'. Did you mean 'who'?"
    assert not (tmp_path / "out").exists()


def test_an_unknown_notebook_lists_its_neighbours(notebook, tmp_path: Path) -> None:
    path = notebook("1")
    with pytest.raises(errors.UnknownName, match=r"Did you mean .*small\.ipynb"):
        run_notebook(path.with_name("smal.ipynb"), tmp_path / "out")


@pytest.mark.parametrize("text", ["no json", "[]", '{"cells": 1}'])
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(errors.UsageError, match=r"x\.ipynb is not a notebook \("):
        run_notebook(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden"])
def test_a_name_stays_in_the_folder(notebook, tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.InvalidOption, match="is no name for a report"):
        run_notebook(notebook("1"), tmp_path / "out", name=name)


def test_a_folder_that_cannot_be_written_is_one_sentence(notebook, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(errors.StoreError, match="cannot be written into"):
        run_notebook(notebook("1"), tmp_path / "file" / "out")


def test_braces_in_a_path_are_only_letters(notebook, tmp_path: Path) -> None:
    """Papermill would format them as fields."""
    report = run_notebook(notebook("1"), tmp_path / "{out}")
    assert report.html.parent == tmp_path / "{out}"
