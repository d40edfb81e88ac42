"""Finding the notebooks that come with the project, by name."""

from __future__ import annotations

import os
from pathlib import Path

from patina_lab.errors import UnknownName

SHELF = Path(__file__).resolve().parent.parent.parent / "notebooks"
"""The clone's folder of notebooks; a wheel does not carry it."""


def notebook_path(notebook: str | os.PathLike[str]) -> Path:
    """Return the file of a notebook given by path, or by its name in ``notebooks/``.

    Raises
    ------
    UnknownName
        Neither a file nor a name there; the nearest names are in the hint.
    """
    direct = Path(notebook).expanduser()
    if direct.suffix == ".ipynb" and direct.is_file():
        return direct
    known = {place.stem: place for place in sorted(SHELF.glob("*.ipynb"))}
    if direct.name == str(direct) and direct.stem in known:
        return known[direct.stem]
    raise UnknownName.among("notebook", os.fspath(notebook), known)
