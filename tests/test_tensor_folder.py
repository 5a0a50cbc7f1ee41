"""Folders of safetensors are read tensor by tensor; broken ones are named."""

import json

import pytest
import torch
from safetensors.torch import save_file

from pointllm.errors import WeightsError
from pointllm.tensor_folder import INDEX, TensorFolder


def sharded(folder):
    save_file({"a": torch.arange(6.0).view(2, 3)}, folder / "model-00001-of-00002.safetensors")
    save_file({"b": torch.ones(2), "c": torch.zeros(1)}, folder / "model-00002-of-00002.safetensors")
    table = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors",
             "c": "model-00002-of-00002.safetensors"}
    (folder / INDEX).write_text(json.dumps({"weight_map": table}))
    return table


def test_a_file_and_shards_read_alike(tmp_path):
    sharded(tmp_path)
    folder = TensorFolder(tmp_path)
    assert sorted(folder) == ["a", "b", "c"] and len(folder) == 3 and "a" in folder and "d" not in folder
    assert folder.shape("a") == (2, 3) and torch.equal(folder["a"], torch.arange(6.0).view(2, 3))
    save_file({"x": torch.ones(1)}, tmp_path / "adapters.safetensors")
    assert list(TensorFolder(tmp_path, "adapters.safetensors")) == ["x"]


@pytest.mark.parametrize("damage", ["shard gone", "shard cut", "index cut", "tensor gone", "outside", "no table"])
def test_broken_folders_are_named_with_their_file(tmp_path, damage):
    folder = tmp_path / "base"
    folder.mkdir()
    table = sharded(folder)
    shard = folder / "model-00002-of-00002.safetensors"
    if damage == "shard gone":
        shard.unlink()
    elif damage == "shard cut":
        shard.write_bytes(shard.read_bytes()[:-3])
    elif damage == "index cut":
        (folder / INDEX).write_text('{"weight_map": {')
    elif damage == "tensor gone":
        (folder / INDEX).write_text(json.dumps({"weight_map": table | {"d": shard.name}}))
    elif damage == "outside":
        (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    else:
        (folder / INDEX).write_text("[]")
    with pytest.raises(WeightsError, match="^base/model") as caught:
        TensorFolder(folder)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_incomplete(tmp_path):
    with pytest.raises(WeightsError, match="no such file; the weights are incomplete"):
        TensorFolder(tmp_path)
