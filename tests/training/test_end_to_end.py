"""From a data folder of twenty objects to a profile that embeds and answers, by the commands that a person types."""

import json

import numpy as np
import pytest
import yaml
from tiny_data import LABELS, write_data
from tiny_models import tiny_llama, write_byte_tokenizer

from pointllm import PointBind, PointLLM
from pointllm.cli import main
from pointllm.encoders.compact.space import CompactSpace

BIND = {
    "tower": {"encoder": "i2p_mae", "projection_dim": 32, "dim": 384, "points": 128, "yaw_turns": 2, "samplings": 1,
              "architecture": {"groups": [32, 8], "group_sizes": [8, 4], "dims": [16, 32], "depths": [1, 1],
                               "radii": [0.3, 0.0], "heads": 2, "point_widths": [8, 16, 16], "in_channels": 6}},
    "data": {"points": 1024, "subsets": 2, "views": 2},
    "loss": {"image": {"weight": 0.3}, "text": {"weight": 0.3}, "audio": {"weight": 0.1}, "label": 1.0,
             "regression": 1.0, "relation": 0.3, "teacher_dim": 6, "templates": 4, "scale": 25.0},
    "optimizer": {"learning_rate": 0.003, "warmup_steps": 10, "ema": 0.9},
    "trainer": {"log_every": 20, "evaluate_every": 60, "device": "cpu"}, "batch": 10, "steps": 120,
}  # fmt: skip
LLM = {
    "adapters": {"positions": "answer", "lora_rank": 2, "lora_alpha": 4, "biased": ["q_proj", "o_proj"], "norms": True,
                 "bind": {"joint_dim": 384, "model_dim": 24, "hidden_dim": 32}},
    "views": 2, "training_caches": [{"k": 2, "weight": 0.5, "temperature": 20}],
    "optimizer": {"learning_rate": 0.02, "warmup_steps": 3, "factors": {"injection.gates": 10}},
    "trainer": {"log_every": 5, "device": "cpu"}, "evaluate_rows": 8,
    "phases": [{"steps": 20, "stage": 1, "groups": [{"size": 6, "unfinished": True, "kinds": {"name": 1}}]},
               {"steps": 10, "stage": 2, "groups": [{"size": 6, "kinds": {"name": 2, "yes_no": 1, "name_zh": 1}}]}],
    "cache": [{"tensor": "labels", "k": 3, "weight": 0.9, "temperature": 300},
              {"tensor": "images", "k": 2, "weight": 0.3, "temperature": 30}],
}  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A data folder, a language model, and a profile that both trainings wrote into."""
    folder = tmp_path_factory.mktemp("work")
    write_data(folder / "data")
    tiny_llama().save_pretrained(folder / "llama")
    write_byte_tokenizer(folder / "llama")
    (folder / "bind.yaml").write_text(yaml.safe_dump(BIND))
    (folder / "llm.yaml").write_text(yaml.safe_dump({**LLM, "language_model": str(folder / "llama")}))
    common = ["--data", str(folder / "data"), "--cache", str(folder / "cache"), "--export", str(folder / "profile")]
    assert main(["train", "bind", "--config", str(folder / "bind.yaml"), "--out", str(folder / "bind"), *common]) == 0

    def forbidden(*_args, **_kwargs):
        raise AssertionError("a 3D point was embedded while the language model was trained")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(CompactSpace, "embed_shape", forbidden)
        patched.setattr(CompactSpace, "point_tower", property(forbidden))
        arguments = ["train", "llm", "--config", str(folder / "llm.yaml"), "--out", str(folder / "llm"), *common]
        assert main(arguments) == 0
    return folder


def test_the_profile_embeds_new_objects_by_the_point_tower_that_was_trained(work, samples):
    bind = PointBind.from_pretrained(str(work / "profile"))
    vectors = bind.embed([samples / "chair.ply", samples / "cup.xyz"], text=["a chair"], witness="point")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(vectors[0], PointBind.from_pretrained("embedded").embed([samples / "chair.ply"],
                                                                                  witness="point")[0], atol=0.05)


def test_the_point_tower_learned_its_training_objects(work):
    labels = sorted(LABELS)
    rows = [json.loads(line) for line in (work / "data/objects.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["split"] == "train"]
    bind = PointBind.from_pretrained(str(work / "profile"))
    vectors = bind.embed([work / "data" / row["path"] for row in rows], witness="point")
    named = (vectors @ bind.embed_text(labels).T).argmax(1)
    right = np.mean([labels[index] == row["label"] for index, row in zip(named, rows, strict=True)])
    assert right > 0.6  # one in five by chance


def test_the_profile_answers_with_the_adapters_that_were_trained(work, samples):
    model = PointLLM.from_pretrained(str(work / "profile"), device="cpu")
    answer = model.answer([samples / "chair.ply"], "What is this?", max_tokens=6)
    assert answer.tokens > 0 and answer.inputs[0].modality == "point"
    config = json.loads((work / "profile/llm/config.json").read_text())
    assert config["trained_on"] == ["text", "image"] and config["trained_steps"] == 30
    assert [row["tensor"] for row in config["cache"]] == ["labels", "images"]


def test_everything_a_run_was_lies_beside_its_weights(work):
    for part, names in (("point", ("model.safetensors", "config.json", "results.json", "curves.png", "recipe.yaml",
                                   "provenance.json")),
                        ("llm", ("adapters.safetensors", "visual_cache.safetensors", "config.json", "results.json",
                                 "curve.png", "recipe.yaml", "provenance.json", "base/config.json"))):  # fmt: skip
        assert [name for name in names if not (work / "profile" / part / name).is_file()] == []


def test_a_visual_cache_is_built_by_a_command(work, samples, capfd):
    import faiss
    from safetensors.torch import load_file

    common = ["cache", "build", "--data", str(work / "data"), "--cache", str(work / "cache"), "--views", "2", "--json"]
    file = work / "keys.safetensors"
    assert main([*common, "--images", str(samples), "--out", str(file)]) == 0
    assert json.loads(capfd.readouterr().out)["keys"] == {"labels": 5, "images": 15 + len(list(samples.rglob("*.jpg")))
                                                          + len(list(samples.rglob("*.png")))}
    tensors = load_file(file)
    assert tensors["labels"].shape == (5, 384)
    assert main([*common, "--keys", "images", "--each-view", "--out", str(work / "keys.index")]) == 0
    assert faiss.read_index(str(work / "keys.index")).ntotal == 30
    assert main([*common, "--out", str(work / "keys.index")]) == 2
    assert "one kind of keys" in capfd.readouterr().err


def test_refusals_are_one_line(work, capfd):
    arguments = ["train", "bind", "--config", str(work / "bind.yaml"), "--data", str(work / "data"), "--out"]
    assert main([*arguments, str(work / "bind")]) == 2
    assert "--resume" in capfd.readouterr().err.splitlines()[-1]
    assert main([*arguments, str(work / "new"), "--set", "batch=x"]) == 2
    assert "batch is 'x'" in capfd.readouterr().err.splitlines()[-1]
    assert main([*arguments[:-3], "--data", str(work), "--out", str(work / "new")]) == 2
    assert "objects.jsonl" in capfd.readouterr().err.splitlines()[-1]
    assert not (work / "new").exists()
