"""The files of the parity set, which are in the published layouts, arrive number for number. (Whether the models then
give the originals' outputs is tests/parity's question.)"""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pointllm.encoders.point_head import POINT_BIND_KEYS, POINT_TRUNK_KEYS, rename
from pointllm.weights.convert import convert


@pytest.fixture(scope="module")
def parity():
    folder = os.environ.get("POINTLLM_PARITY_DIR")
    if not folder:
        pytest.skip("POINTLLM_PARITY_DIR is not set: no files in the published layouts")
    return Path(folder)


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert found[name].dtype == wanted[name].dtype and torch.equal(found[name], wanted[name]), name


def test_imagebind(parity, tmp_path):
    file = parity / "imagebind.weights.safetensors"
    convert(file, tmp_path)
    same(load_file(tmp_path / "imagebind" / "model.safetensors"),
         {key: value for key, value in load_file(file).items() if "point" not in key})


@pytest.mark.parametrize("name, table", [("i2p_mae", POINT_BIND_KEYS), ("point_bert", POINT_BIND_KEYS),
                                         ("point_trunk", POINT_TRUNK_KEYS)])
def test_point_branches(parity, tmp_path, name, table):
    file = parity / f"{name}.weights.safetensors"
    convert(file, tmp_path)
    found, wanted = load_file(tmp_path / "point" / "model.safetensors"), rename(load_file(file), table)
    if table is POINT_TRUNK_KEYS:
        found.pop("logit_scale")  # of the training's loss; not in the file
    same(found, wanted)


@pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])
def test_language_model_adapters_and_cache(parity, tmp_path, kind):
    for path in ("llama", f"adapter_{kind}.pth", "knn.index"):
        convert(parity / "point_llm" / path, tmp_path)
    base = load_file(tmp_path / "llm" / "base" / "model.safetensors")
    theirs = torch.load(parity / "point_llm/llama/tiny/consolidated.00.pth", weights_only=True)
    assert torch.equal(base["model.embed_tokens.weight"], theirs["tok_embeddings.weight"])
    assert torch.equal(base["model.layers.1.self_attn.v_proj.weight"], theirs["layers.1.attention.wv.weight"])
    rows = base["model.layers.1.self_attn.q_proj.weight"], theirs["layers.1.attention.wq.weight"]
    assert torch.equal(*(value.sort(0).values for value in rows)) and not torch.equal(*rows)
    assert (tmp_path / "llm" / "knn.index").read_bytes() == (parity / "point_llm" / "knn.index").read_bytes()
