"""Filling ``code_link``: the files that the imports in a log may mean.

It is made anew from the log's own rows each time, because a file that comes or goes
changes what the imports of other files mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.sources.code.links import Imported, Link, Tree, TreeFile

if TYPE_CHECKING:
    import duckdb


def write_links(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``code_link`` from ``code_import`` and the files in ``code_symbol``."""
    imports = connection.execute(
        "SELECT seq, path, language, import_path, import_kind, imported_names, inside "
        "FROM code_import ORDER BY seq"
    ).fetchall()
    if not imports:
        return
    files = connection.execute(
        "SELECT path, language, kind, package FROM code_symbol WHERE type = 'file'"
    ).fetchall()
    tree = Tree(TreeFile(*file) for file in files)
    links: list[Link] = []
    for row in imports:
        links += tree.links(Imported(*row))
    columns = ("seq", "item", "choice", "target", "via", "unless", "many")
    types = ("BIGINT", "INTEGER", "INTEGER", "VARCHAR", "VARCHAR", "VARCHAR", "BOOLEAN")
    lists = ", ".join(f"unnest(?::{type_}[])" for type_ in types)
    connection.execute(
        f"INSERT INTO code_link SELECT {lists}",
        [[getattr(link, column) for link in links] for column in columns],
    )
