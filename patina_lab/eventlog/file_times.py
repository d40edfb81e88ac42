"""When each file of a tree got its content, as the commits of a log tell it.

The newest commit (by author time) that touched a path is the latest that can have written
what is in it: a slice that ends before it never shows the file's code.  It is no older than
the truth where author times run backwards, and the same for every commit that leaves the
file alone, so that unchanged files keep their events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.events.event import Event

if TYPE_CHECKING:
    import duckdb

_ALL = "all files"
"""What a commit misses of which nothing but its message is known: a shallow boundary."""

_TOUCHED = """
    SELECT t.path, max(f.occurred_us)
    FROM old.main.touch t JOIN old.main.commit_facts f USING (seq)
    WHERE t.change <> 'D' AND t.seq NOT IN (
        SELECT e.seq FROM old.main.eventlog e JOIN dropped d ON d.sha = e.source_id
        WHERE e.source = 'git')
    GROUP BY t.path
"""

_WHOLE_COMMITS = """
    SELECT max(e.occurred_us) FILTER (f.missing = ?), max(e.occurred_us) FILTER (e.source_id = ?)
    FROM old.main.commit_facts f JOIN old.main.eventlog e USING (seq)
    WHERE e.source_id NOT IN (SELECT sha FROM dropped)
"""


class FileTimes:
    """Collects the commits of one scrape.

    Parameters
    ----------
    sha : str
        The scraped commit: its time is that of files of which nothing else is known.
    """

    def __init__(self, sha: str) -> None:
        self._sha = sha
        self._touched: dict[str, int] = {}
        self._unknown: int | None = None
        self._scraped: int | None = None

    def last_log(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the commits that stay of the log that is attached as ``old``."""
        self._touched.update(connection.execute(_TOUCHED).fetchall())
        row = connection.execute(_WHOLE_COMMITS, [_ALL, self._sha]).fetchone()
        assert row is not None
        self._unknown, self._scraped = row

    def commit(self, event: Event) -> None:
        """Take a commit that was read, also one that stays out of the log for its time."""
        us = event.occurred_us
        if event.source_id == self._sha:
            self._scraped = us
        if event.data.get("missing") == _ALL:
            self._unknown = us if self._unknown is None else max(us, self._unknown)
        for file in event.data["files"]:
            if file["change"] != "D":
                path = file["path"]
                self._touched[path] = max(us, self._touched.get(path, us))

    @property
    def scraped_us(self) -> int:
        """Author time of the scraped commit, microseconds since 1970 UTC."""
        assert self._scraped is not None
        return self._scraped

    def of(self, path: str) -> int:
        """Return when the file at `path` got its content, microseconds since 1970 UTC."""
        if path in self._touched:
            return self._touched[path]
        return self.scraped_us if self._unknown is None else self._unknown
