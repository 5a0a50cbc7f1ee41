"""Questions, answers and their judgement: by a tiny real language model, and by answers given beforehand."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from safetensors.torch import save_file
from tiny_models import BIASED, randomised, tiny_llama, write_byte_tokenizer

from pointllm.data.records import Label, read_labels
from pointllm.errors import DataError, InputError
from pointllm.evaluation.asking import Asker
from pointllm.evaluation.judging import judge
from pointllm.evaluation.objects import Target, read_objects
from pointllm.evaluation.provenance import Run
from pointllm.evaluation.qa import run_caption, run_qa
from pointllm.evaluation.questions import FAR, NEAR, OWN, PROMPTS, Question, QuestionMaker, read_questions
from pointllm.evaluation.report import write_report
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig
from pointllm.llm.bind_network import BindNetworkConfig
from pointllm.profiles import checkpoints_dir


@pytest.fixture
def run(tmp_path, kept):
    made = Run(tmp_path / "out", "embedded", cache=tmp_path / "cache", command="pointllm eval qa")
    made.__dict__["llm_weights"] = {"llm/tiny.safetensors": "0" * 64}  # no language model is fetched for tests
    return made


class Prepared:
    """Answers known beforehand, by object and prompt."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def stream(self, paths, prompt, **options):
        assert options["seed"] == 0
        self.asked.append((paths[0].stem, prompt))
        if paths[0].stem == "broken":
            raise InputError("broken.ply: is no shape; export it again")
        yield from self.answers.get((paths[0].stem, prompt), self.answers.get(prompt, "I see."))


@pytest.fixture
def profile(tmp_path):
    """The embedded joint space with a tiny language model of random weights."""
    folder, shipped = tmp_path / "profile", checkpoints_dir() / "embedded"
    base = folder / "llm" / "base"
    base.mkdir(parents=True)
    for name in ("text", "image", "audio", "point", "config.json"):
        (folder / name).symlink_to(shipped / name)
    adapters = AdapterConfig(BindNetworkConfig(joint_dim=384, model_dim=24, hidden_dim=32), "answer", lora_rank=2,
                             lora_alpha=4.0, biased=BIASED, norms=True)
    save_file(randomised(AdaptedLlama(tiny_llama(), adapters)).adapter_state(), folder / "llm/adapters.safetensors")
    (folder / "llm/config.json").write_text(json.dumps({"prompt": "chat", "adapters": asdict(adapters)}))
    tiny_llama().save_pretrained(base)
    write_byte_tokenizer(base)
    return folder


def test_a_real_model_answers_is_judged_and_reported(profile, data, tmp_path):
    done = Run(tmp_path / "out", str(profile), command="pointllm eval qa")
    report = run_qa(done, read_objects(data), ("name", "yes-no", "color"))
    # no other label is a plant, and of the chair that may be called a sofa no other furniture is left to ask about
    assert report.summary["questions"] == 6 + 16 + 2 and report.summary["unreadable"] == 1
    line = write_report(report, done, with_llm=True)
    assert line["summary"]["name"]["named"] == 0.0
    results = json.loads((done.out / "results.json").read_text())
    weights = results["weights"]
    assert {"point/model.safetensors", "llm/adapters.safetensors", "llm/base/model.safetensors"} <= weights.keys()
    assert len(results["items"]) == 24 and any(item["answer"] for item in results["items"])


def test_figures_are_those_of_the_answers(run, data):
    answers = {("chair", PROMPTS["name"]): "A chair.", ("sofa", PROMPTS["name"]): "This is a red couch.",
               ("tree", PROMPTS["name"]): "A bush.", ("airplane", PROMPTS["name-zh"]): "这是飞机。",
               PROMPTS["color"]: "It is mostly brown, with some gray."}
    model = Prepared(answers)
    report = run_qa(run, read_objects(data), ("name", "color", "name-zh"), asker=Asker(run, model=model))
    # six objects: both chairs are one file, the broken one counts
    assert report.summary["name"] == pytest.approx(
        {"named": 50.0, "by_label": 100 * 2 / 6, "exact": 100 * 2 / 6, "questions": 6})
    assert report.summary["name-zh"]["named"] == pytest.approx(100 / 6)
    assert report.summary["color"] == {"right": 0.0, "names_one": 100.0, "names_main": 100.0, "names_wrong": 100.0,
                                       "questions": 2}
    assert {i["id"] for i in report.items if i["group"] == "name" and i["right"]} == {"chair", "chair2", "sofa"}
    assert len([1 for name, _ in model.asked if name == "broken"]) == 1  # not asked again once it failed
    page = write_report(report, run) and (run.out / "report.html").read_text()
    assert "This is a red couch." not in page.split("Mistakes")[1].split("Successes")[0]


def test_markup_in_an_answer_stays_text(run, data):
    report = run_qa(run, read_objects(data, n=1), ("what",), asker=Asker(
        run, model=Prepared({PROMPTS["what"]: "<script>alert(1)</script> | a"})))
    write_report(report, run)
    assert "<script" not in (run.out / "report.html").read_text()
    assert "<script" not in (run.out / "report.md").read_text()


def test_an_interrupted_evaluation_goes_on_where_it_was(run, data):
    class Stopped(Prepared):
        def stream(self, paths, prompt, **options):
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().stream(paths, prompt, **options)

    objects = read_objects(data)
    with pytest.raises(KeyboardInterrupt):
        run_qa(run, objects, ("name",), asker=Asker(run, model=Stopped({})))
    model = Prepared({})
    first = run_qa(run, objects, ("name",), asker=Asker(run, model=model))
    assert len(model.asked) == 3  # two of five files were answered before; both chairs share theirs
    model.asked.clear()
    again = run_qa(run, objects, ("name",), asker=Asker(run, model=model))
    assert model.asked == [("broken", PROMPTS["name"])] and again.items == first.items
    run_qa(run, objects, ("name",), asker=Asker(run, cache=False, model=model))
    assert len(model.asked) == 6  # without the visual cache answers are others


def test_negatives_are_drawn_alike_each_time_and_never_true(data):
    labels = read_labels(data) | {"armchair": Label("armchair", "furniture"), "seat": Label("seat", "furniture")}
    target = Target("x", data / "chair.ply", "chair", frozenset({"chair", "sofa"}), "furniture")
    asked = [QuestionMaker(labels).make("yes-no", target) for _ in range(2)]
    assert asked[0] == asked[1]
    # of the furniture nothing is left: a sofa is accepted, an armchair is a chair, a seat is a synonym
    assert [q.part for q in asked[0]] == [OWN, FAR] and asked[0][0].prompt == "Is this a chair?"
    lone = Target("y", data / "chair.ply", "airplane", frozenset({"airplane"}), "vehicle")
    own, near, far = QuestionMaker(labels).make("yes-no", lone)
    assert (own.truth, near.truth, far.truth) == (True, False, False)
    assert (near.part, near.prompt) == (NEAR, "Is this a car?") and far.part == FAR


def test_yes_to_everything_is_at_chance(run, data):
    class Yes(Prepared):
        def stream(self, paths, prompt, **options):
            yield "Yes."

    report = run_qa(run, read_objects(data), ("yes-no",), asker=Asker(run, model=Yes({})))
    found = report.summary["yes-no"]
    assert found["balanced_accuracy"] == 50 and found["yes_rate"] == 100 and found["own_name"] == 100
    assert found["same_category"] == found["other_category"] == 0 and found["balanced_near"] == 50


def embed(texts):
    """Bags of letters: enough to tell what is like what."""
    counts = np.array([[text.lower().count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], np.float32)
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


def test_answers_about_use_are_told_from_those_about_other_things(data):
    labels = read_labels(data)
    maker = QuestionMaker(labels)
    targets = read_objects(data).targets[:4]
    questions = [q for t in targets for q in maker.make("use", t)]
    good = judge(questions, [q.references[0] for q in questions], labels, embed, {"use": maker.references("use")})
    assert all(v.figures["similarity"] == pytest.approx(1) and v.figures["keyword_f1"] == 1 for v in good)
    assert all(v.figures["nearest"] and v.figures["floor"] < 0.99 for v in good)
    empty = judge(questions, [""] * len(questions), labels, embed, {"use": maker.references("use")})
    assert not any(v.figures["nearest"] or v.figures["among_five"] or v.figures["similarity"] for v in empty)


def test_captions_are_judged_by_name_and_colours(run, data):
    model = Prepared({PROMPTS["caption"]: "A brown chair with four legs."})
    found = run_caption(run, read_objects(data), asker=Asker(run, model=model)).summary["caption"]
    assert found["mentions"] == pytest.approx(100 * 2 / 6)
    assert found["colors_right"] == 100  # of the chairs, the only ones with colours on record
    assert 0 < found["similarity"] < 1 and found["speaks_of_colors"] == pytest.approx(100 * 5 / 6)


def test_questions_of_ones_own(run, data, tmp_path):
    rows = [
        {"object": "chair", "question": "What is it?", "answer": "chair", "kind": "name"},
        {"object": "sofa", "question": "Can one sit on it?", "answer": "Yes.", "kind": "yes-no"},
        {"path": str(data / "tree.pcd"), "question": "Which colours?", "answers": ["green", "brown"], "kind": "color"},
        {"object": "tree", "question": "Where does it grow?", "answers": ["in a forest", "in a garden"]},
    ]
    file = tmp_path / "own.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    model = Prepared({"What is it?": "Chairs.", "Can one sit on it?": "No.", "Which colours?": "Green.",
                      "Where does it grow?": "It grows in a garden."})
    summary = run_qa(run, read_objects(data), questions=file, asker=Asker(run, model=model)).summary
    assert summary["name"]["named"] == 100 and summary["yes-no"]["balanced_accuracy"] == 0
    assert summary["color"]["right"] == 100 and summary["text"]["similarity"] > 0.6


@pytest.mark.parametrize(("row", "says"), [
    ({"object": "nobody", "question": "What?", "answer": "x"}, "'nobody' is not in the data"),
    ({"object": "chair", "answer": "x"}, "question"),
    ({"object": "chair", "question": "What?"}, "no \"answer\""),
    ({"question": "What?", "answer": "x"}, "neither"),
    ({"object": "chair", "question": "Is it?", "answer": "maybe", "kind": "yes-no"}, "write yes or no"),
    ({"object": "chair", "question": "Is it?", "answer": "x", "kind": "riddle"}, "riddle"),
])
def test_a_question_that_cannot_be_used_is_named_with_its_line(data, tmp_path, row, says):
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=says) as error:
        read_questions(file, read_objects(data).targets)
    assert "line 1" in str(error.value)


def test_an_unknown_kind_of_question_is_named(run, data):
    with pytest.raises(InputError, match="riddle"):
        run_qa(run, read_objects(data), ("riddle",), asker=Asker(run, model=Prepared({})))


def test_each_question_has_a_key_of_its_own(data):
    maker = QuestionMaker(read_labels(data))
    questions = [q for t in read_objects(data).targets for kind in PROMPTS for q in maker.make(kind, t)]
    assert len({q.key for q in questions}) == len(questions)
    assert all(isinstance(q, Question) and q.max_tokens <= 96 for q in questions)
