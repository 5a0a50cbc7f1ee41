"""Training of the adapters: it learns, it can be killed and resumed without a trace, and its files are never half."""

import json
import random

import pytest
import torch
from tiny_models import tiny_llama, write_byte_tokenizer

from pointllm.profiles import checkpoints_dir
from pointllm.training.llm_data import Disturbance, EmbeddingBank, cheapest_split
from pointllm.training.llm_evaluate import names_object
from pointllm.training.llm_train import LlmTraining, learning_rate

LABELS = {
    name: {"category": "furniture", "synonyms": [], "count": 1, "zh": zh}
    for name, zh in (("chair", "椅子"), ("table", "桌子"), ("sofa", "沙发"), ("bed", "床"))
}


@pytest.fixture
def data(tmp_path):
    (tmp_path / "labels.json").write_text(json.dumps(LABELS))
    rows = [{"id": f"{split}_{name}", "label": name, "split": split} for name in LABELS for split in ("train", "val")]
    (tmp_path / "objects.jsonl").write_text("\n".join(map(json.dumps, rows)))
    model = tmp_path / "llama"
    tiny_llama().save_pretrained(model)
    write_byte_tokenizer(model)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    return tmp_path


def recipe(data, first=3, second=3):
    kinds = {"name": 2, "yes_no": 1}
    return {
        "seed": 0, "labels": "labels.json", "language_model": str(data / "llama"),
        "text_tower": str(checkpoints_dir() / "embedded/text"), "image_embeddings": "image_embeddings.npz",
        "adapters": {
            "positions": "answer", "lora_rank": 2, "lora_alpha": 4, "biased": ["q_proj", "o_proj"], "norms": True,
            "bind": {"joint_dim": 384, "model_dim": 24, "hidden_dim": 32},
        },
        "disturbance": {"noise": 0.3}, "training_caches": [{"k": 2, "weight": 0.5, "temperature": 20}],
        "optimizer": {"lr": 1e-2, "warmup": 2, "final_lr": 0.1, "decay_from": 0.5, "weight_decay": 0.01, "clip": 1.0,
                      "factors": {"injection.gates": 10}},
        "phases": [
            {"steps": first, "stage": 1,
             "groups": [{"size": 4, "weight": 1.0, "unfinished": True, "kinds": {"name": 1}}]},
            {"steps": second, "stage": 2, "groups": [{"size": 4, "weight": 1.0, "kinds": kinds}]},
        ],
        "evaluate_every": 1000, "evaluate_rows": 4, "checkpoint_seconds": 0,
    }


def losses(run):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {row["step"]: {k: v for k, v in row.items() if k.startswith("loss")} for row in rows if "norm" in row}


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(data, tmp_path):
    whole = LlmTraining(recipe(data), data, tmp_path / "whole")
    whole.run_all()
    first = LlmTraining(recipe(data), data, tmp_path / "cut")
    for _ in range(4):
        first.log(first.train_step())
    first.save()
    first.log(first.train_step())  # lost: killed before the next checkpoint
    (tmp_path / "cut" / "last.partial").write_bytes(b"half a file")
    LlmTraining(recipe(data), data, tmp_path / "cut").run_all()
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    one, other = (torch.load(tmp_path / name / "last.pt", weights_only=True)["weights"] for name in ("whole", "cut"))
    for name, value in one.items():
        torch.testing.assert_close(other[name], value)


def test_it_learns_and_only_what_the_stage_allows(data, tmp_path):
    training = LlmTraining(recipe(data, first=30, second=1), data, tmp_path / "run")
    before = {name: value.clone() for name, value in training.model.adapter_state().items()}
    course = [training.train_step()["loss_name"] for _ in range(30)]
    # a bias moves the words of a tiny model with random weights only a little, but steadily
    assert sum(course[-5:]) < sum(course[:5]) - 0.3
    changed = {n for n, value in training.model.adapter_state().items() if not torch.equal(value, before[n])}
    assert changed
    assert all(name.startswith("injection.") for name in changed)
    training.train_step()
    after = training.model.adapter_state()
    assert any(not torch.equal(after[name], before[name]) for name in after if ".lora_B" in name)


def test_rows_of_like_length_go_together_at_least_cost():
    assert cheapest_split([2] * 40) == [(0, 40)]
    assert cheapest_split([2] * 40 + [12]) == [(0, 40), (40, 41)]
    lengths = sorted(random.Random(0).choices(range(1, 15), k=12))
    ranges = cheapest_split(lengths)
    assert [start for start, _ in ranges][1:] == [end for _, end in ranges][:-1]

    def cost(cuts):
        edges = [0, *cuts, len(lengths)]
        return sum((b - a) * lengths[b - 1] + 20 for a, b in zip(edges, edges[1:], strict=False))

    every = ([i for i in range(1, 12) if mask >> (i - 1) & 1] for mask in range(2**11))
    assert cost([start for start, _ in ranges][1:]) == min(map(cost, every))


def test_image_embeddings_are_used_where_a_label_has_them(tmp_path):
    import numpy as np

    views = np.tile(np.eye(8, dtype=np.float16)[:1], (5, 1))[None]
    np.savez(tmp_path / "e.npz", ids=np.array(["a"]), embeddings=views, out_of_fold=views)
    bank = EmbeddingBank({"chair": torch.eye(8)[1:2], "table": torch.eye(8)[2:3]})
    assert bank.add_images(tmp_path / "e.npz", {"a": "chair"}) == 2
    sure = Disturbance(noise=0, confusable=0, image_noise=0, image_share=1.0)
    assert torch.equal(bank.sample("chair", "table", sure, random.Random(0)), torch.eye(8)[0])
    assert torch.equal(bank.sample("table", "chair", sure, random.Random(0)), torch.eye(8)[2])


def test_the_same_step_has_the_same_data(data):
    training = LlmTraining(recipe(data), data, data / "run")
    row = [{"size": 4, "weight": 1.0, "kinds": {"yes_no": 1}}]
    one, other = (training.maker.batches(7, row)[0][0] for _ in range(2))
    assert torch.equal(one.embeddings, other.embeddings)
    assert torch.equal(one.targets, other.targets)
    assert not torch.equal(one.embeddings, training.maker.batches(8, row)[0][0].embeddings[: len(one.embeddings)])


def test_the_learning_rate_warms_up_stays_and_falls():
    settings = {"warmup": 10, "final_lr": 0.1, "decay_from": 0.5}
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert rates[0] < rates[5] < rates[9] == rates[49] == 1.0
    assert all(a >= b for a, b in zip(rates[50:], rates[51:], strict=False))
    assert rates[-1] < 0.11


@pytest.mark.parametrize(
    ("answer", "right"), [("A chair.", True), ("Two chairs", True), ("An armchair.", False), ("Wheelchairs", False)])
def test_an_answer_names_an_object_by_whole_words(answer, right):
    assert names_object(answer, {"chair"}) is right
