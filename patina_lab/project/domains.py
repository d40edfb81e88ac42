"""The domains that a project declares, in ``.patina/shared/domains.manifest``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from patina_lab.errors import InvalidOption, StoreError
from patina_lab.project.places import DOMAINS
from patina_lab.project.write import create, locked, make_folder, replace, work_tree
from patina_lab.sources.repository import Repository

_NAME = re.compile(r"[^\W_][\w+#./-]*")


def domain_names(told: str | Iterable[str]) -> list[str]:
    """Return names of domains: lower case, each once, in the order in which they were told.

    Parameters
    ----------
    told : str or iterable of str
        ``"security,validation"`` is two.

    Raises
    ------
    InvalidOption

    Examples
    --------
    >>> domain_names("React, c++,react")
    ['react', 'c++']
    """
    parts = told.split(",") if isinstance(told, str) else list(told)
    names = []
    for part in parts:
        name = part.strip().casefold()
        if not _NAME.fullmatch(name):
            if not name and isinstance(told, str):
                continue
            raise InvalidOption(
                f"{part!r} is no name of a domain.", "Use letters, digits and . + # - _ /"
            )
        names.append(name)
    return list(dict.fromkeys(names))


def declared(repository: Repository) -> list[str]:
    """Return the domains in the manifest of the work tree; none where there is no manifest."""
    return list(_manifest(repository).get("domains", []))


def add_domain(repository: Repository, *names: str) -> list[str]:
    """Declare domains in the manifest, and return all that are declared.

    The file is changed in the work tree, for its user to commit; other keys of it stay.

    Raises
    ------
    StoreError
        The manifest cannot be read; it is left alone.
    """
    wanted = [name for told in names for name in domain_names([told])]
    root = work_tree(repository)
    with locked(repository.git_dir, "local"):
        manifest = _manifest(repository)
        have = list(manifest.get("domains", []))
        # Sorted, so that two branches that add different ones merge where they can.
        domains = sorted({*have, *wanted})
        if domains != have:
            text = json.dumps({**manifest, "domains": domains}, indent=2, ensure_ascii=False) + "\n"
            folder, _, name = DOMAINS.rpartition("/")
            place = make_folder(root, folder) / name
            (replace if place.exists() else create)(place, text.encode())
    return domains


def _manifest(repository: Repository) -> dict[str, Any]:
    place = work_tree(repository) / DOMAINS
    if place.is_symlink():
        raise StoreError(f"{place} is a symbolic link, which is not followed.", "Put a file there.")
    try:
        value = json.loads(place.read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError, OSError) as err:
        raise StoreError(f"{place} cannot be read: {err}.", "Mend it by hand.") from err
    domains = value.get("domains", []) if isinstance(value, dict) else None
    if not isinstance(domains, list) or not all(isinstance(d, str) for d in domains):
        raise StoreError(f"{place} holds no list of domains.", 'Write: {"domains": ["rust"]}')
    assert isinstance(value, dict)
    return value
