"""Training of the adapters: it learns what its stage allows, resumes without a trace, and never sees a 3D point."""

import json
import random

import numpy as np
import pytest
import torch
from tiny_models import tiny_llama, write_byte_tokenizer
from torch.nn import functional as F

from pointllm.data.questions import QuestionBook, read_knowledge
from pointllm.data.records import Label
from pointllm.errors import InputError
from pointllm.llm.adapters import AdapterConfig
from pointllm.llm.hints import Hints, HintSettings, captions_of
from pointllm.llm.prompts import PROMPTS
from pointllm.llm.tokens import JsonTokenizer
from pointllm.llm.visual_cache import Keys, TensorIndex, VisualCache
from pointllm.training.llm import LlmTask
from pointllm.training.llm_config import DisturbanceSection, LlmConfig
from pointllm.training.llm_data import BatchMaker, EmbeddingBank, Row, _whole, cheapest_split
from pointllm.training.llm_hints import HintedQuestions
from pointllm.training.llm_model import LlmModel
from pointllm.training.llm_sources import Turn
from pointllm.training.trainer import Trainer, open_run

LABELS = {
    name: {"category": "furniture", "synonyms": [], "count": 1, "zh": zh}
    for name, zh in (("chair", "椅子"), ("table", "桌子"), ("sofa", "沙发"), ("bed", "床"))
}
DIM = 16


def make_config(first=3, second=3, positions="answer", groups=None, **changes):
    kinds = {"name": 2, "yes_no": 1}
    values = {
        "adapters": {"positions": positions, "lora_rank": 2, "lora_alpha": 4, "biased": ["q_proj", "o_proj"],
                     "norms": True, "bind": {"joint_dim": DIM, "model_dim": 24, "hidden_dim": 32}},
        "disturbance": {"noise": 0.3}, "training_caches": [{"k": 2, "weight": 0.5, "temperature": 20}],
        "optimizer": {"learning_rate": 0.01, "warmup_steps": 2, "final": 0.1, "decay_from": 0.5,
                      "factors": {"injection.gates": 10, "llama.": 0.5}},
        "phases": [
            {"steps": first, "stage": 1, "groups": [{"size": 4, "unfinished": True, "kinds": {"name": 1}}]},
            {"steps": second, "stage": 2, "groups": groups or [{"size": 4, "kinds": kinds}]},
        ],
        "trainer": {"log_every": 1, "checkpoint_every": 2, "device": "cpu"}, "evaluate_rows": 4,
    }  # fmt: skip
    return LlmConfig.model_validate(values | changes)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    write_byte_tokenizer(folder)
    return JsonTokenizer(folder, end=257)


def make_task(config, tokenizer, sources=None, pictures=None):
    vectors = F.normalize(torch.randn(4, 3, DIM, generator=torch.Generator().manual_seed(0)), dim=-1)
    book = QuestionBook(LABELS, read_knowledge())
    bank = EmbeddingBank(dict(zip(book.names, vectors, strict=True)))
    cache = VisualCache([Keys(TensorIndex(vectors[:, 0]), 2, 0.5, 20)])
    torch.manual_seed(config.seed)
    model = LlmModel(tiny_llama(), AdapterConfig.from_dict(config.adapters))
    model.injection.bind_network.reset_for_training()
    maker = BatchMaker(book, bank, tokenizer, PROMPTS["chat"], [cache], config.disturbance, config.seed, sources,
                       pictures, 256)
    labels = {name: Label(name) for name in LABELS}
    return LlmTask(config, model, maker, cache, labels, (["chair", "bed"], vectors[:2, 0]))


def run(task, out):
    open_run(task.config, out, True, None)
    return Trainer(task, task.config, out).run()


def losses(out):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return {row["step"]: (row["loss"], row["losses"], row["norm"]) for row in rows if "loss" in row}


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(tokenizer, tmp_path):
    assert run(make_task(make_config(), tokenizer), tmp_path / "whole")

    class Killed(BaseException):
        pass

    task = make_task(make_config(), tokenizer)
    original = task.batch

    def batch(step, part, parts):
        if step == 5:
            raise Killed
        return original(step, part, parts)

    task.batch = batch
    with pytest.raises(Killed):
        run(task, tmp_path / "cut")
    assert run(make_task(make_config(), tokenizer), tmp_path / "cut")
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    one, other = (torch.load(tmp_path / name / "last.pt", weights_only=True)["weights"] for name in ("whole", "cut"))
    assert all(torch.equal(other[name], value) for name, value in one.items())


def test_it_learns_and_only_what_the_stage_allows(tokenizer, tmp_path):
    task = make_task(make_config(first=30, second=1), tokenizer)
    start = {name: value.clone() for name, value in task.module.adapter_state().items()}
    frozen = {name: value.clone() for name, value in task.module.named_parameters()
              if name not in task.module.trainable_names}
    after = {}

    def look(step, part, parts):
        if step == 30:
            after.update({name: value.clone() for name, value in task.module.adapter_state().items()})
        return original(step, part, parts)

    original, task.batch = task.batch, look
    run(task, tmp_path)
    course = [loss for loss, _, _ in losses(tmp_path).values()][:30]
    # a bias moves the words of a tiny model with random weights only a little, but steadily
    assert sum(course[-5:]) < sum(course[:5]) - 0.3
    changed = {name for name, value in after.items() if not torch.equal(value, start[name])}
    assert changed and all(name.startswith("injection.") for name in changed)
    end = task.module.adapter_state()
    for part in (".lora_B", ".bias", "norm.weight"):
        names = [name for name in end if name.startswith("llama.") and part in name]
        assert any(not torch.equal(end[name], after[name]) for name in names)
    assert all(torch.equal(value, frozen[name]) for name, value in task.module.named_parameters() if name in frozen)


@pytest.mark.parametrize("positions", ["answer", "all"])
def test_gradient_checkpointing_changes_no_gradient(tokenizer, positions):
    config = make_config(positions=positions)
    gradients = []
    for save in (False, True):
        task = make_task(config, tokenizer)
        with torch.no_grad():
            task.module.injection.gates.fill_(0.5)
        if save:
            task.module.save_memory()
        task.module.set_stage(2)
        task.module.train()
        sum(weight * loss for weight, loss in task.module(task.batch(4, 0, 1)).values()).backward()
        gradients.append({n: value.grad for n, value in task.module.named_parameters() if value.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, value in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], value, rtol=1e-3, atol=1e-6)


def test_other_projects_questions_and_text_alone_are_learned_from(tokenizer, tmp_path):
    picture = tmp_path / "a.jpg"
    later = Turn("Colour?", "Red.", picture, (("What?", "A square."),))
    sources = {"talk": [Turn("What?", "A square.", picture), later],
               "text": [Turn("Greet.", "Hello.")], "captions": [Turn(None, "A square.", picture)]}
    groups = [{"size": 3, "source": "talk"}, {"size": 2, "source": "text"}, {"size": 2, "source": "captions"}]
    config = make_config(groups=groups, sources={
        "talk": {"format": "llava", "file": "x"}, "text": {"format": "alpaca", "file": "y"},
        "captions": {"format": "coco", "file": "z"}})
    task = make_task(config, tokenizer, sources, {picture: F.normalize(torch.ones(DIM), dim=0)})
    assert run(task, tmp_path / "run")
    assert set(losses(tmp_path / "run")[4][1]) == {"talk", "text", "captions"}
    talk, text, captions = task.batch(4, 0, 1)
    assert all(batch["embeddings"] is None for batch in text)
    assert sum(len(batch["tail"]) for batch in talk) == 3 and talk[0]["embeddings"].shape[1] == DIM
    assert len({tuple(batch["prompt"].tolist()) for batch in captions}) == 1  # one question for all


def test_text_alone_is_refused_where_nothing_would_be_learned_from_it():
    with pytest.raises(ValueError, match="stage 1"):
        make_config(sources={"text": {"format": "alpaca", "file": "y"}}, phases=[
            {"steps": 1, "stage": 1, "groups": [{"size": 1, "source": "text"}]}])


def test_embeddings_of_3d_points_are_refused(tmp_path):
    bank = EmbeddingBank({"chair": torch.eye(8)[1:2], "table": torch.eye(8)[2:3]})
    for modality in ("point", "audio", "both"):
        with pytest.raises(InputError, match="text and image embeddings only"):
            bank.add("chair", torch.eye(8)[:1], modality)
    np.savez(tmp_path / "e.npz", ids=np.array(["a"]), embeddings=np.ones((1, 2, 8)), modality=np.array("point"))
    with pytest.raises(InputError, match="not from point"):
        bank.add_file(tmp_path / "e.npz", {"a": "chair"})
    assert bank.images == {}


def test_image_embeddings_are_used_where_a_label_has_them(tmp_path):
    views = np.tile(np.eye(8, dtype=np.float16)[:1], (5, 1))[None]
    np.savez(tmp_path / "e.npz", ids=np.array(["a"]), embeddings=views, out_of_fold=views)
    bank = EmbeddingBank({"chair": torch.eye(8)[1:2], "table": torch.eye(8)[2:3]})
    assert bank.add_file(tmp_path / "e.npz", {"a": "chair"}) == 2
    sure = DisturbanceSection(noise=0, confusable=0, image_noise=0, image_share=1.0)
    assert torch.equal(bank.sample("chair", "table", sure, random.Random(0)), torch.eye(8)[0])
    assert torch.equal(bank.sample("table", "chair", sure, random.Random(0)), torch.eye(8)[2])


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


def test_the_same_step_has_the_same_data(tokenizer):
    one, other = (make_task(make_config(), tokenizer).batch(7, 0, 1)[0][0] for _ in range(2))
    assert torch.equal(one["embeddings"], other["embeddings"]) and torch.equal(one["targets"], other["targets"])
    later = make_task(make_config(), tokenizer).batch(8, 0, 1)[0][0]
    assert not torch.equal(one["embeddings"][:1], later["embeddings"][:1])


def test_questions_that_the_labels_cannot_give_are_refused(tokenizer):
    task = make_task(make_config(groups=[{"size": 2, "kinds": {"name_zh": 1}}]), tokenizer)
    task.maker.book.labels = {name: {**entry, "zh": None} for name, entry in LABELS.items()}
    with pytest.raises(InputError, match="no question of the kinds name_zh"):
        task.batch(4, 0, 1)


HINTED = {"hints": {"temperature": 20.0, "sure": 0.5}}


def hinted_task(tokenizer, groups):
    config = make_config(first=1, second=2, groups=groups, **HINTED)
    task = make_task(config, tokenizer)
    book, bank = task.maker.book, task.maker.bank
    keys = torch.stack([bank.text[name][0] for name in book.names])
    hints = Hints(captions_of(book), keys, HintSettings(temperature=20.0, sure=0.5), book.knowledge)
    task.maker.hinted = HintedQuestions(book, bank, hints, config.disturbance)
    return task


def test_every_kind_of_question_with_hints_names_what_its_answer_names(tokenizer):
    questions = hinted_task(tokenizer, None).maker.hinted
    rng = random.Random(0)
    for kind in questions.kinds:
        row = next(filter(None, (questions.make(kind, rng) for _ in range(100))))
        assert row.question.startswith(("(Looks like: ", "(Perhaps: ", "(No. 1", "（")), kind
        assert row.answer
        assert row.embedding.shape == (DIM,)


def test_an_answer_to_yes_or_no_follows_the_evidence(tokenizer):
    questions = hinted_task(tokenizer, None).maker.hinted
    rng = random.Random(0)
    said = {}
    for _ in range(60):
        row = questions.make("yes_no", rng)
        evidence = row.question.split(": ")[2].split(".")[0]
        said.setdefault(evidence, set()).add(row.answer.split(",")[0])
    assert said == {"yes": {"Yes"}, "no": {"No"}}


@pytest.mark.parametrize("positions", ["answer", "all"])
def test_a_row_read_whole_has_the_loss_of_a_row_whose_prompt_was_read_before(tokenizer, positions):
    task = make_task(make_config(positions=positions), tokenizer)
    rng = random.Random(0)
    row = Row(PROMPTS["chat"]("What is this?"), "A chair.", task.maker.bank.text["chair"][0])
    prompt, answer = tokenizer.encode(row.prompt), [*tokenizer.encode(row.answer), tokenizer.end]
    task.maker.caches = []
    shared = task.maker.tensors("name", [row], 1.0, rng)[0]
    with torch.no_grad():
        torch.nn.init.normal_(task.module.injection.gates)
        longer = (prompt + prompt, answer, row.embedding)  # another row, which makes padding
        alone = task.module.loss(shared)
        padded = task.module.loss(_whole([(prompt, answer, row.embedding), longer], 1.0))
        other = task.module.loss(_whole([longer], 1.0))
    assert padded[1] == alone[1] + other[1]
    assert padded[0].item() == pytest.approx(alone[0].item() + other[0].item(), abs=1e-3)


def test_a_run_with_hints_trains(tokenizer, tmp_path):
    groups = [{"size": 3, "hints": True, "kinds": {"name": 1, "yes_no": 1, "pair": 1}}]
    task = hinted_task(tokenizer, groups)
    assert run(task, tmp_path / "whole")
    assert {kind for _, kinds, _ in losses(tmp_path / "whole").values() for kind in kinds} >= {"hints"}


def test_groups_with_hints_need_the_configs_hints():
    with pytest.raises(ValueError, match="hints"):
        make_config(groups=[{"size": 3, "hints": True, "kinds": {"name": 1}}])
