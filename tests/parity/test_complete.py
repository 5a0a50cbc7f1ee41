"""The set is whole: every file that its README names is there and can be read."""

import re
from pathlib import Path

import pytest

BRANCHES = ("i2p_mae", "point_bert", "point_trunk", "imagebind")
FILES = (
    *(f"{name}{end}" for name in BRANCHES for end in (".weights.safetensors", ".io.safetensors", ".json")),
    "image0.png", "image1.png", "preprocess.io.safetensors", "preprocess.json",
    "point_llm/llama/tokenizer.model", "point_llm/adapter_layernorm.pth", "point_llm/adapter_rmsnorm.pth",
    "point_llm/knn.index", "point_llm/io.safetensors", "point_llm/point_llm.json",
)


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_set_is_there(parity, name):
    path = parity.path(name)
    assert path.stat().st_size > 0
    if name.endswith(".json"):
        assert parity.json(name)
    elif name.endswith(".safetensors"):
        assert parity.tensors(name)


def test_the_llama_is_whole(parity):
    folder = parity.llama()
    shards = sorted(folder.glob("consolidated.*.pth"))
    numbers = [int(re.fullmatch(r"consolidated\.(\d+)\.pth", shard.name)[1]) for shard in shards]
    assert numbers == list(range(len(shards)))


def test_every_picture_of_the_set_has_its_tensor_and_the_other_way_round(parity):
    expected = parity.tensors("preprocess.io.safetensors")
    pictures = {path.stem for path in Path(parity.folder).glob("image*.png")}
    assert pictures == {key for key in expected if key.startswith("image")}
