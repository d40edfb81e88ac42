"""Run a notebook with papermill and leave two files: the notebook as run, and one HTML page.

::

    notebook + parameters
      -> parameters.checked  a mistyped one is an error
      -> papermill           in a kernel of this Python, without the user's profile
      -> settled             what differs from run to run is taken out
      -> html.page           one file that asks nothing of any network
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patina_lab import errors
from patina_lab.errors import (
    CheckFailed,
    InvalidOption,
    MissingTool,
    PatinaError,
    StoreError,
    UnknownName,
    UsageError,
)
from patina_lab.reports.checks import Checks
from patina_lab.reports.checks import read as read_checks
from patina_lab.reports.html import page
from patina_lab.reports.parameters import checked, declared

Progress = Callable[[int, int], None]
"""Called after each cell with how many are done, and of how many."""


@dataclass(frozen=True)
class Report:
    """What a run left behind.

    Parameters
    ----------
    notebook : Path
        The notebook with its outputs.
    html : Path
        The page.
    digest : str or None
        Of the log that was read: what the cell tagged ``digest`` showed.
    parameters : mapping
        All of them, with the values they had.
    checks : Checks
        What a cell tagged ``checks`` showed; of most notebooks none.
    seconds : float
        How long it took; in no file, so that two runs leave the same bytes.
    """

    notebook: Path
    html: Path
    digest: str | None
    parameters: Mapping[str, Any]
    seconds: float = field(compare=False)
    checks: Checks = field(default_factory=lambda: Checks(()), compare=False)

    def __repr__(self) -> str:
        digest = f", log {self.digest[:12]}" if self.digest else ""
        return f"<report {self.html}{digest}, {self.seconds:.1f} s>"


def run_notebook(
    notebook: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    parameters: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    timeout: int = 600,
    progress: Progress | None = None,
) -> Report:
    """Run `notebook` and write ``<name>.ipynb`` and ``<name>.html`` into `output_dir`.

    Parameters
    ----------
    notebook : path-like
        Is not changed.
    output_dir : path-like
        Made if it is not there.
    parameters : mapping, optional
        Values for the names in the notebook's cell tagged ``parameters``.
    name : str, optional
        Of the two files; by default the notebook's.
    timeout : int
        Seconds that one cell may take.
    progress : callable, optional
        Called after each cell.

    Returns
    -------
    Report

    Raises
    ------
    UnknownName
        No such notebook, or no such parameter in it.
    InvalidOption
        A parameter is not of its type, or `name` is no file name.
    CheckFailed
        A cell failed or took too long; the notebook as far as it came is kept.
    UsageError
        A cell could not understand a parameter; of the class that it raised.
    MissingTool
        papermill, nbconvert or ipykernel is not installed.
    StoreError
        `output_dir` cannot be written.
    """
    began = time.monotonic()
    source = _existing(Path(notebook))
    target = Path(output_dir).expanduser()
    stem = name if name is not None else source.stem
    if not stem or stem != Path(stem).name or stem.startswith("."):
        raise InvalidOption(f"{stem!r} is no name for a report.", "Give a plain file name.")
    nb = _read(source)
    known = declared(nb, source.name)
    values = checked(parameters or {}, known, source.name)

    ran, failure, at = _execute(nb, source.name, values, timeout, progress)
    _settle(ran)
    used = {p.name: values.get(p.name, p.default) for p in known}
    kept = target / f"{stem}.ipynb"
    with _writable(target):
        _write(kept, _dumped(ran))
    if failure is not None:
        raise _said(failure, at, ran, source.name, kept, timeout) from failure
    digest = _digest(ran)
    with _writable(target):
        _write(target / f"{stem}.html", page(ran, source.name, known, used, digest))
    seconds = time.monotonic() - began
    return Report(kept, target / f"{stem}.html", digest, used, seconds, read_checks(ran.cells))


def _existing(path: Path) -> Path:
    path = path.expanduser()
    if path.is_file():
        return path
    beside = path.parent.glob("*.ipynb") if path.parent.is_dir() else ()
    raise UnknownName.among("notebook", str(path), [str(found) for found in beside])


def _read(path: Path) -> Any:
    """Read a notebook, with cell ids that do not change from run to run."""
    nbformat = _nbformat()
    try:
        text = path.read_text(encoding="utf-8")
        nb = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        if nb.nbformat < 4 or nb.nbformat_minor < 5:
            nb = nbformat.convert(nb, 4)
            nb.nbformat_minor = 5
            for index, cell in enumerate(nb.cells):
                cell["id"] = f"cell-{index}"
        nbformat.validate(nb)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise UsageError(
            f"{path} is not a notebook ({str(error).splitlines()[0]}).", "Give a .ipynb file."
        ) from error
    return nb


def _execute(
    nb: Any, name: str, values: Mapping[str, Any], timeout: int, progress: Progress | None
) -> tuple[Any, Exception | None, str]:
    """Run `nb`; return it as far as it came, what stopped it, and in the cell of which id."""
    with _installed():
        import nbconvert  # noqa: F401 - it is needed last, and missed first
        import papermill
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    logging.getLogger("papermill").setLevel(logging.ERROR)
    done = 0
    at = ""

    def started(cell: Any, **_: Any) -> None:
        nonlocal at
        at = cell.get("id", "")

    def ticked(**_: Any) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    total = sum(cell.cell_type == "code" for cell in nb.cells) + bool(values)
    failure: Exception | None = None
    with tempfile.TemporaryDirectory(prefix="patina-report-", ignore_cleanup_errors=True) as work:
        output = Path(work) / "ran.ipynb"
        try:
            papermill.execute_notebook(
                nb,
                str(output),
                parameters=dict(values),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                execution_timeout=timeout,
                kernel_manager_class=_kernel_of_this_python(Path(work)),
                on_cell_start=started,
                on_cell_complete=ticked,
            )
        except (papermill.PapermillExecutionError, CellTimeoutError, DeadKernelError) as error:
            failure = error
        except RuntimeError as error:
            if at:
                raise
            raise CheckFailed(
                f"The kernel of {name} did not start: {error}.",
                f"Try again; if it stays so, see what this says: {sys.executable} -m ipykernel",
            ) from error
        return _nbformat().read(output, as_version=4), failure, at


def _kernel_of_this_python(work: Path) -> Any:
    """Return a kernel manager that starts `sys.executable`, whatever kernelspecs there are.

    A kernelspec named ``python3`` may belong to another Python, where this package is not
    installed.  The user's IPython profile and start-up files stay out too: a report must
    not depend on them.

    The kernel listens on sockets in `work` where there are such.  A TCP port is chosen before
    the kernel that shall listen there is started, and two reports that begin at once can be
    given the same one: about one start in two hundred failed so.
    """
    with _installed():
        import ipykernel  # noqa: F401 - starting it in a process of its own would fail late
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager

    spec = KernelSpec(
        argv=[
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            "--log-level=CRITICAL",  # else it warns of its loopback port at every start
        ],
        display_name="the Python that runs patina_lab",
        language="python",
        env={
            "IPYTHONDIR": str(work / "ipython"),
            "JUPYTER_CONFIG_DIR": str(work / "jupyter"),
            "PATINA_LAB_BATCH": "1",  # progress as bars would be stored as empty widgets
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONSTARTUP": "",
        },
    )

    sockets = str(work / "kernel")

    class ThisPython(AsyncKernelManager):
        if os.name == "posix" and len(os.fsencode(sockets)) <= _SOCKET_PATH:

            def _transport_default(self) -> str:
                return "ipc"

            def _ip_default(self) -> str:
                return sockets

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    return ThisPython


_SOCKET_PATH = 90
"""Bytes of a socket's path, without its number: the systems' limits are 104 and 108."""


def _settle(nb: Any) -> None:
    """Take out of `nb` what differs from run to run: times, random ids, paths."""
    nb.metadata.pop("papermill", None)
    nb.metadata.get("language_info", {}).pop("version", None)
    nb.cells = [
        cell for cell in nb.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", ())
    ]
    for cell in nb.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell["id"] = "injected-parameters"
        for output in cell.get("outputs", ()):
            if "text" in output:
                output["text"] = _CELL_FILE.sub("<cell>", output["text"])
            if "traceback" in output:
                output["traceback"] = [_CELL_FILE.sub("<cell>", t) for t in output["traceback"]]


_CELL_FILE = re.compile(r"[^\s'\"\x1b]*ipykernel_\d+[/\\]\d+\.py")
"""The name of a cell in a warning or traceback: it holds the kernel's process number."""


def _digest(nb: Any) -> str | None:
    """Return what the cell tagged ``digest`` showed."""
    for cell in nb.cells:
        if "digest" in cell.metadata.get("tags", ()):
            for output in cell.get("outputs", ()):
                text = output.get("data", {}).get("text/plain", "").strip("'\"")
                if text:
                    return str(text)
    return None


def _said(error: Exception, at: str, nb: Any, name: str, kept: Path, timeout: int) -> PatinaError:
    """Put what stopped a notebook into one sentence with the cell's number.

    A request that a cell could not understand stays one, as it is without a notebook.
    """
    own = [cell for cell in nb.cells if cell["id"] != "injected-parameters"]
    number = next((n for n, cell in enumerate(own, 1) if cell["id"] == at), 0)
    source = own[number - 1].source
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    where = f"cell {number} of {name} (`{line[:60]}`)"
    ename = getattr(error, "ename", "")
    hint = f"The notebook as far as it came: {kept}"
    kind = vars(errors).get(ename)
    usage = isinstance(kind, type) and issubclass(kind, UsageError)
    if ename:
        told = str(getattr(error, "evalue", "")).rstrip(".")
        what = f"{where} failed: {ename}: {told}".rstrip(": ")
    elif isinstance(error, TimeoutError):
        what = f"{where} took longer than {timeout} s"
    else:
        what = f"the kernel died in {where}"
    raised = kind if usage and kind else CheckFailed
    return raised(f"{what[0].upper()}{what[1:]}.", hint)


def _dumped(nb: Any) -> str:
    nbformat = _nbformat()
    return str(nbformat.writes(nb, version=nbformat.NO_CONVERT)) + "\n"


def _nbformat() -> Any:
    with _installed():
        import nbformat
    return nbformat


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The report cannot be written into {folder}: {error.strerror or error}.",
            "Choose another folder with --output.",
        ) from error


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingTool(
            f"Reports need the package {error.name}, which is not installed.",
            "Run: pip install 'patina-lab[lab]'",
        ) from error
