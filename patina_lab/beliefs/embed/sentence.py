"""Embedders by sentence-transformers: the same weights by torch, or a model of one's own."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patina_lab.beliefs.embed.runtime import well_formed
from patina_lab.beliefs.embed.weights import MINILM, checked, minilm_folder
from patina_lab.errors import InvalidOption, MissingTool
from patina_lab.eventlog.progress import Progress, silent

if TYPE_CHECKING:
    import numpy.typing as npt

_CHUNK = 64
_TORCH = threading.Lock()  # its number of threads belongs to the whole process


class SentenceEmbedder:
    """An `Embedder` over a sentence-transformers model; never downloads anything.

    Parameters
    ----------
    model : str
        A folder, or a name that Hugging Face's cache on this machine has.
    name : str
        For people; by default the model's own.
    batch : int
        Texts at a time.  torch's bits depend on it, and so does `model_hash`: only with 1
        (the default) is a vector the same whatever else is embedded.
    threads : int
        torch's threads for one batch; its bits depend on them too.
    """

    def __init__(self, model: str, *, name: str = "", batch: int = 1, threads: int = 1) -> None:
        self.model = model
        self.name = name or Path(model).name
        self.batch = batch
        self.threads = threads

    def __repr__(self) -> str:
        return f"<Embedder {self.name}>"

    @cached_property
    def model_hash(self) -> str:
        """Hash of every file of the model, the library versions, batch and threads."""
        from importlib.metadata import version

        digest = hashlib.sha256()
        folder = self._folder
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            # What git or the hub keep beside a model says nothing of it.
            inside = path.relative_to(folder)
            if not any(part.startswith(".") for part in inside.parts):
                with path.open("rb") as content:
                    said = hashlib.file_digest(content, "sha256").hexdigest()
                digest.update(f"{inside.as_posix()} {said}\n".encode())
        for package in ("sentence-transformers", "torch", "tokenizers"):
            digest.update(f"{package} {version(package)}\n".encode())
        digest.update(f"batch {self.batch}, threads {self.threads}".encode())
        return digest.hexdigest()

    @cached_property
    def dimensions(self) -> int:
        """Length of a vector."""
        model = self._model
        ask = getattr(model, "get_embedding_dimension", None)
        return int(ask() if ask else model.get_sentence_embedding_dimension())

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return a vector of length 1 for each text; see `Embedder.embed`."""
        import torch

        out = np.empty((len(texts), self.dimensions), dtype=np.float32)
        progress("embed", 0, len(texts))
        with _TORCH:
            before = torch.get_num_threads()
            torch.set_num_threads(self.threads)
            try:
                for start in range(0, len(texts), _CHUNK):
                    some = [well_formed(text) for text in texts[start : start + _CHUNK]]
                    out[start : start + len(some)] = self._model.encode(
                        some,
                        batch_size=self.batch,
                        normalize_embeddings=True,
                        convert_to_numpy=True,
                        show_progress_bar=False,
                    )
                    progress("embed", start + len(some), len(texts))
            finally:
                torch.set_num_threads(before)
        return out

    @cached_property
    def _folder(self) -> Path:
        given = Path(self.model).expanduser()
        if given.is_dir():
            if not any((given / name).is_file() for name in ("modules.json", "config.json")):
                raise InvalidOption(
                    f"The folder {given} holds no model: it has neither modules.json nor "
                    "config.json.",
                    "Name the folder that a sentence-transformers model was saved into.",
                )
            return given
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        wanted = self.model if "/" in self.model else f"sentence-transformers/{self.model}"
        try:
            return Path(snapshot_download(wanted, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError) as err:
            raise InvalidOption(
                f"There is no embedder {self.model!r}: it is no folder, and no model of that "
                "name was downloaded on this machine.",
                "Use minilm, minilm-int8, minilm-torch, or the path of a model's folder.",
            ) from err

    @cached_property
    def _model(self) -> Any:
        # By path, and told not to look further: nothing is fetched.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        folder = self._folder
        if self.name == "minilm-torch":
            checked(minilm_folder() / "model.safetensors", MINILM, "all-MiniLM-L6-v2")
        try:
            from sentence_transformers import SentenceTransformer

            return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        except ImportError as err:
            raise MissingTool(
                f"The model in {folder.name} needs a package that is not installed: {err}.",
                "pip install 'patina-lab[torch]', and what the model itself asks for.",
            ) from err
        except (OSError, ValueError, KeyError) as err:
            said = str(err).strip().split("\n")[0] or type(err).__name__
            raise InvalidOption(
                f"The model in {folder} cannot be loaded: {said.rstrip('.')}.",
                "Save it again with sentence-transformers, or name another embedder.",
            ) from err
