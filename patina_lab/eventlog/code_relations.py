"""The relations about code, as SQL over the tables of a log; see `relations`.

``code_files``, ``code_symbols``, ``code_functions``, ``code_types``, ``code_imports`` list
what the files of the tree hold.  Two say what belongs to what, over the slice's files
alone, so that a slice in the past never knows a later file:

``import_edges``
    A file and a file that it imports; see `patina_lab.sources.code.links`.
``code_calls``
    Each call with the ``target`` file that defines what is called, where only one can be
    meant: (1) the same file, where nothing, or ``self`` and the like, stands before the
    name; (2) an imported file, where the name was imported, or the file, its folder or the
    class stands before it; (3) the same folder for Go and Java, any file for C, where
    nothing stands before it.  NULL elsewhere: names alone do not say what ``x.get()`` is.
"""

from __future__ import annotations

CODE_SQL: dict[str, str] = {
    "code_files": """
        SELECT f.seq, f.occurred_us, f.path, f.language, f.kind, f.package,
               f.line_end AS lines, f.size AS bytes, f.errors
        FROM {p}code_symbol f WHERE f.type = 'file' AND {f}""",
    "code_symbols": """
        SELECT f.* EXCLUDE (package, size, errors)
        FROM {p}code_symbol f WHERE f.type <> 'file' AND {f}""",
    "code_functions": """
        SELECT f.seq, f.occurred_us, f.path, f.language, f.kind, f.name, f.qualified, f.parent,
               f.line_start, f.line_end, f.line_end - f.line_start + 1 AS lines, f.complexity,
               f.parameters, f.is_public
        FROM {p}code_symbol f WHERE f.type = 'function' AND {f}""",
    "code_types": """
        SELECT f.seq, f.occurred_us, f.path, f.language, f.type, f.kind, f.name, f.qualified,
               f.parent, f.line_start, f.line_end, f.line_end - f.line_start + 1 AS lines,
               f.is_public
        FROM {p}code_symbol f WHERE f.type IN ('struct', 'enum', 'trait', 'type') AND {f}""",
    "code_imports": "SELECT f.* EXCLUDE (inside) FROM {p}code_import f WHERE {f}",
    "import_edges": """
        WITH file AS (
            SELECT DISTINCT f.path FROM {p}code_symbol f WHERE f.type = 'file' AND {f}
        ), there AS (
            SELECT k.seq, k.item, k.choice, k.target, k.many,
                   min(k.choice) OVER (PARTITION BY k.seq, k.item) AS first
            FROM {p}code_link k
            JOIN file t ON t.path = k.target
            LEFT JOIN file v ON v.path = k.via
            LEFT JOIN file u ON u.path = k.unless
            WHERE (k.via IS NULL OR v.path IS NOT NULL) AND u.path IS NULL
        ), meant AS (
            SELECT seq, target,
                   many OR count(*) OVER (PARTITION BY seq, item) = 1 AS certain
            FROM there WHERE choice = first
        )
        SELECT DISTINCT f.seq, f.occurred_us, f.path, m.target, f.language, f.import_path,
               f.import_kind, f.line
        FROM {p}code_import f JOIN meant m ON m.seq = f.seq
        WHERE m.certain AND {f}""",
    "code_calls": """
        WITH called AS (
            SELECT f.*, regexp_extract(f.receiver, '[A-Za-z0-9_]*$') AS before
            FROM {p}code_call f WHERE {f}
        ), defined AS (
            SELECT f.path, f.language, f.type, f.name, f.is_public,
                   regexp_extract(f.parent, '[A-Za-z0-9_]*$') AS owner,
                   regexp_replace(f.path, '/?[^/]*$', '') AS folder
            FROM {p}code_symbol f
            WHERE (f.type IN ('function', 'struct') OR f.kind = 'macro') AND {f}
        ), own AS (
            SELECT path, name FROM defined GROUP BY ALL HAVING count(*) = 1
        ), edge AS (
            SELECT DISTINCT m.path, m.target, f.import_kind, f.imported_names
            FROM ({import_edges}) m JOIN {p}code_import f ON f.seq = m.seq
        ), reached AS (
            SELECT c.seq, min(d.path) AS target
            FROM called c
            JOIN edge e ON e.path = c.path
            JOIN defined d ON d.path = e.target AND d.name = c.callee
            WHERE (c.receiver IS NULL AND (e.import_kind = 'include'
                       OR list_contains(e.imported_names, c.callee)
                       OR list_contains(e.imported_names, '*')))
               OR (c.before <> '' AND c.before IN (d.owner,
                       regexp_extract(d.path, '([^/.]*)[.][^/]*$', 1),
                       regexp_extract(d.folder, '[^/]*$')))
            GROUP BY c.seq HAVING count(DISTINCT d.path) = 1
        ), beside AS (
            SELECT folder, language, name, min(path) AS target
            FROM defined WHERE language IN ('go', 'java')
            GROUP BY ALL HAVING count(*) = 1
        ), linked AS (
            SELECT name, min(path) AS target
            FROM defined WHERE language = 'c' AND is_public AND type = 'function'
            GROUP BY ALL HAVING count(*) = 1
        )
        SELECT c.seq, c.occurred_us, c.path, c.language, c.caller, c.callee, c.receiver, c.line,
               coalesce(o.path, r.target, b.target, k.target) AS target
        FROM called c
        LEFT JOIN own o ON o.path = c.path AND o.name = c.callee
             AND coalesce(c.receiver, 'self') IN ('self', 'this', 'cls', 'Self', 'super')
        LEFT JOIN reached r ON r.seq = c.seq
        LEFT JOIN beside b ON c.receiver IS NULL AND b.name = c.callee
             AND b.language = c.language
             AND b.folder = regexp_replace(c.path, '/?[^/]*$', '')
        LEFT JOIN linked k ON c.receiver IS NULL AND c.language = 'c' AND k.name = c.callee""",
}
"""Placeholders as in `relations`; ``{{import_edges}}`` is the text of that relation."""

CODE_SQL["code_calls"] = CODE_SQL["code_calls"].replace("{import_edges}", CODE_SQL["import_edges"])
