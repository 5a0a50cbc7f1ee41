"""The whole way: published files → `weights convert` → a profile's folder → towers and answers, as the original's."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pointllm import PointLLM
from pointllm.encoders.official.space import ImageBindSpace
from pointllm.llm.generation import Sampling, generate
from pointllm.llm.loading import load_adapted
from pointllm.llm.model import MIXTURE_EPSILON, mixing_shares
from pointllm.llm.placement import Request
from pointllm.llm.tokens import tokenizer_of
from pointllm.llm.visual_cache import VisualCache
from pointllm.profiles import read_config
from pointllm.weights.convert import convert

TOLERANCE = 1e-4
CPU = Request("cpu", "fp32")


@pytest.fixture(scope="module")
def recorded(parity):
    return parity.tensors("point_llm/io.safetensors")


def language_model(parity, kind, out):
    """The set's LLaMA with one of its adapters and the visual cache, converted into `out`."""
    parity.path("point_llm/llama/tokenizer.model")
    convert(parity.llama(), out)
    convert(parity.path(f"point_llm/adapter_{kind}.pth"), out)
    convert(parity.path("point_llm/knn.index"), out)
    return out / "llm"


def space_of(folder) -> ImageBindSpace:
    return ImageBindSpace(folder, {})


def test_imagebinds_towers_give_the_originals_directions(parity, tmp_path):
    convert(parity.path("imagebind.weights.safetensors"), tmp_path)
    expected = parity.tensors("imagebind.io.safetensors")
    for name in parity.json("imagebind.json")["outputs"]:
        found = space_of(tmp_path).embed_raw("vision" if name == "video" else name, expected[f"input.{name}"])
        np.testing.assert_allclose(found, F.normalize(expected[f"output.{name}"], dim=-1), atol=TOLERANCE)


@pytest.mark.parametrize("fixture", ["i2p_mae", "point_bert", "point_trunk"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_point_towers_give_the_originals_directions(parity, fixture, dtype, tmp_path):
    convert(parity.path(f"{fixture}.weights.safetensors"), tmp_path)
    expected = parity.tensors(f"{fixture}.io.safetensors")
    found = space_of(tmp_path).embed_raw("point", expected["points"].to(dtype))
    np.testing.assert_allclose(found, F.normalize(expected["embedding"], dim=-1), atol=TOLERANCE)


def test_logits_and_answer_are_the_originals_token_by_token(parity, kind, recorded, tmp_path):
    folder = language_model(parity, kind, tmp_path)
    config = read_config(folder)
    adapted, _ = load_adapted(folder / "base", folder, config, CPU)
    facts = parity.json("point_llm/point_llm.json")
    shares = mixing_shares(list(facts["weights"].values()), len(facts["weights"]), MIXTURE_EPSILON)
    units = [F.normalize(recorded[f"embedding.{name.lower()}"], dim=-1) for name in facts["weights"]]
    mixed = sum(share * unit for share, unit in zip(shares, units, strict=True))
    ids = tokenizer_of(folder / "base", adapted.llama.config, config["prompt"]).encode(facts["prompts"]["plain"])
    assert ids == recorded["prompt_ids.plain"][0].tolist()

    for row in config["cache"]:  # the converter knows the published defaults, the set says its own
        row.update(k=facts["cache"]["size"], weight=facts["cache"]["weight"], temperature=facts["cache"]["temperature"])
    with torch.inference_mode():
        biases = adapted.injection.biases(VisualCache.from_config(folder, config["cache"])(mixed))
        with adapted.injection.injected(biases):
            logits = adapted.llama(recorded["prompt_ids.plain"]).logits
    assert config["normalise_mixture"] is False and config["cache"]
    assert float((logits - recorded[f"{kind}.logits"]).abs().max()) <= TOLERANCE
    wanted = recorded[f"{kind}.greedy_ids"][0].tolist()
    sampling = Sampling(max_tokens=len(wanted))
    assert list(generate(adapted.llama, ids, -1, sampling, adapted.injection, biases)) == wanted


def test_a_profile_of_all_parts_answers_about_a_file(parity, kind, samples, tmp_path):
    dims = {parity.json(f"{name}.json")[group]["out_embed_dim"]
            for name, group in (("imagebind", "constructor"), ("point_trunk", "config"))}
    if dims != {parity.json("point_llm/point_llm.json")["joint_dim"]}:
        pytest.skip("the parts of this set are of different joint dimensions")
    language_model(parity, kind, tmp_path)
    for name in ("imagebind", "point_trunk"):
        convert(parity.path(f"{name}.weights.safetensors"), tmp_path)
    model = PointLLM.from_pretrained(str(tmp_path), device="cpu", precision="fp32")
    files = [samples / name for name in ("chair.ply", "cat.jpg")]
    answer = model.answer(files, "What is this object?", text=["a chair"], max_tokens=4, temperature=0.0)
    assert answer.tokens <= 4 and [given.modality for given in answer.inputs] == ["point", "image", "text"]
    again = PointLLM.from_pretrained(str(tmp_path), device="cpu", precision="fp32")
    assert again.answer(files, "What is this object?", text=["a chair"], max_tokens=4, temperature=0.0).answer == \
        answer.answer
