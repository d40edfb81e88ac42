"""A process of its own that scrapes and reads: what must not matter is set around it.

Started by :func:`started`; one JSON value a line in, one out.  Questions:

``{"do": "scrape", "repo": …, "home": …, …}``
    Scrape with the other keys as options; answer with digest and a hash over all rows.
``{"do": "read", "repo": …, "home": …, "seconds": …}``
    Open and read the log over and over; answer with how often each digest was seen.
``{"do": "die", "repo": …, "home": …, "after": n}``
    Scrape (or, with ``"what": "materialize"``, do that) in a child that is killed by SIGKILL
    at the n-th thing it does to the disk, or says to the database; answer with what it was
    doing, or null where it lived to the end.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


# -- in the test ------------------------------------------------------------------------


class Worker:
    """A running worker, as the test sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, **question: Any) -> None:
        """Ask, and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question, default=str) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the answer to the oldest question."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the worker died with {self.process.wait()}"
        found = json.loads(line)
        if isinstance(found, dict) and "error" in found:
            raise AssertionError(found["error"])
        return found

    def ask(self, **question: Any) -> Any:
        """Ask, and wait."""
        self.send(**question)
        return self.answer()


@contextlib.contextmanager
def started(env: dict[str, str], *options: str) -> Iterator[Worker]:
    """Start a worker in an environment.

    Parameters
    ----------
    env : dict
    *options : str
        ``threads=8``: threads of DuckDB.  ``defect=<name>``: a defect made on purpose, a
        function of this module.
    """
    process = subprocess.Popen(
        [sys.executable, str(HERE / "worker.py"), *options],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield Worker(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait()


# -- in the worker ----------------------------------------------------------------------


def scrape(repo: str, home: str, **options: Any) -> dict[str, Any]:
    """Scrape; hash the rows."""
    from tables import file_of, fingerprint, read

    import patina_lab as pt

    lab = pt.open(repo, home=home)
    result = lab.scrape(progress=False, **options)
    return {
        "digest": result.digest,
        "how": result.how,
        "rows": fingerprint(read(file_of(lab))),
    }


def read(repo: str, home: str, seconds: float) -> dict[str, int]:
    """Open the log and read it whole, again and again."""
    import patina_lab as pt
    from patina_lab.eventlog.digest import DIGEST_SQL

    seen: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lab = pt.open(repo, home=home)
        log = lab.log
        rows = DIGEST_SQL.replace("FROM eventlog", "FROM log.main.eventlog")
        ((digest,),) = log.opened.rows(rows)
        said = log.opened.manifest.digest
        assert digest == said, f"the pointer says {said}, the rows {digest}"
        assert len(log.df()) == log.opened.manifest.events
        lab.project(pt.hotspots)
        seen[digest] += 1
    return dict(seen)


def materialize(repo: str, home: str) -> str:
    """Materialize the event files."""
    import patina_lab as pt

    return str(pt.open(repo, home=home).materialize().how)


def die(repo: str, home: str, after: int, what: str = "scrape") -> str | None:
    """Scrape, or materialize, in a child that is killed on its way."""
    ear, mouth = os.pipe()
    # Safe here: no thread runs and no database is open in a worker that is asked this.
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            _kill_at(after, mouth)
            {"scrape": scrape, "materialize": materialize}[what](repo, home)
        os._exit(0)
    os.close(mouth)
    with os.fdopen(ear) as told:
        doing = told.read()
    _, status = os.waitpid(child, 0)
    return doing if os.WIFSIGNALED(status) else None


def _kill_at(after: int, mouth: int) -> None:
    """Have the n-th of the calls below end this process at once."""
    from patina_lab.eventlog import build
    from patina_lab.eventlog.staging import Staging
    from patina_lab.project import materialize as materialize_

    left = [after]

    def deadly(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.write(mouth, f"{name} {args[0] if args else ''}".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    for owner, name in (
        (Path, "replace"),
        (Path, "unlink"),
        (Path, "write_text"),
        (Path, "write_bytes"),
        (Path, "mkdir"),
        (os, "fsync"),
        (shutil, "rmtree"),
        (Staging, "_write"),
        (build._Scrape, "_files"),
        (build._Scrape, "_authors"),
        (build._Scrape, "_manifest"),
        (materialize_, "execute"),
        (materialize_, "_opened"),
    ):
        setattr(owner, name, deadly(f"{owner.__name__}.{name}", getattr(owner, name)))


def digest_by_hash() -> None:
    """Defect: a digest that depends on the hash seed of the process."""
    from patina_lab.eventlog import build

    seed = hash("x")
    build.DIGEST_SQL = f"SELECT sha256('{seed}' || ({build.DIGEST_SQL}))"


def local_time() -> None:
    """Defect: dates are shown in the zone of whoever reads."""
    from patina_lab.sources import git

    when = git.parse_date

    def parse_date(raw: bytes) -> Any:
        found = when(raw)
        return found and (found[0], found[0].astimezone().isoformat())

    git.parse_date = parse_date


def users_configuration() -> None:
    """Defect: the user's git configuration decides what is read."""
    from patina_lab.sources.repository import Objects

    made, argv = Objects.__init__, Objects.argv

    def init(self: Objects, *args: Any) -> None:
        made(self, *args)
        self._env["GIT_CONFIG_GLOBAL"] = os.environ["GIT_CONFIG_GLOBAL"]

    def without_pins(self: Objects, *args: str) -> list[str]:
        return [*argv(self)[:2], *args]

    Objects.__init__ = init  # type: ignore[method-assign]
    Objects.argv = without_pins  # type: ignore[method-assign]


def pointer_first() -> None:
    """Defect: the pointer is put in place before the log that it points at."""
    from patina_lab.eventlog.store import LogStore

    place = LogStore.place

    def too_early(self: LogStore, built: Path, manifest: Any, name: str = "current") -> Any:
        aside = built.with_suffix(".aside")
        built.rename(aside)
        built.write_bytes(b"")
        placed = place(self, built, manifest, name)
        time.sleep(1.5)
        aside.replace(self.folder / placed.file)
        return placed

    LogStore.place = too_early  # type: ignore[method-assign]


def in_place() -> None:
    """Defect: the log is written over the last one instead of beside it."""
    import dataclasses

    from patina_lab.eventlog.store import LogStore

    place = LogStore.place

    def over(self: LogStore, built: Path, manifest: Any, name: str = "current") -> Any:
        last = self.manifest()
        if last is None or name != "current":
            return place(self, built, manifest, name)
        (self.folder / last.file).write_bytes(built.read_bytes())
        manifest = dataclasses.replace(manifest, file=last.file)
        return place(self, self.folder / last.file, manifest, name)

    LogStore.place = over  # type: ignore[method-assign]


def pointer_of_tables_first() -> None:
    """Defect: the pointer is put in place before the tables that it points at."""
    from dataclasses import replace

    from patina_lab.project import knowledge

    place = knowledge.KnowledgeStore.place

    def too_early(self: Any, built: Path, state: Any, name: str = "current") -> Any:
        early = json.dumps({**vars(state), "size": built.stat().st_size})
        (self.folder / f"{name}.json").write_text(early)
        return place(self, built, replace(state), name)

    knowledge.KnowledgeStore.place = too_early  # type: ignore[method-assign]


def main() -> None:
    """Answer questions until there are no more."""
    sys.path.insert(0, str(HERE))
    import duckdb

    # What a scrape imports on its way, so that a child that is about to die has it already.
    import filelock  # noqa: F401
    import tables  # noqa: F401

    import patina_lab.lab
    import patina_lab.project.materialize  # noqa: F401

    connect = duckdb.connect
    for option in sys.argv[1:]:
        key, _, value = option.partition("=")
        if key == "threads":

            def with_threads(*args: Any, _n: int = int(value), **kwargs: Any) -> Any:
                connection = connect(*args, **kwargs)
                connection.execute(f"SET threads = {_n}")
                return connection

            duckdb.connect = with_threads  # type: ignore[assignment]
        else:
            globals()[value]()
    tasks = {"scrape": scrape, "read": read, "die": die}
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = tasks[question.pop("do")](**question)
        except Exception as err:
            import traceback

            answer = {"error": f"{err!r}\n{traceback.format_exc()}"}
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
