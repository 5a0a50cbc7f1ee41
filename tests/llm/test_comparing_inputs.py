"""Answers to questions that compare inputs: true by names, measured facts and knowledge, or none at all."""

import pytest

from pointllm.data.questions import read_knowledge
from pointllm.llm.compare import Thing, compare, compares
from pointllm.llm.compared import thing_named

KNOWLEDGE = read_knowledge()


def thing(file, label, category, zh, **facts) -> Thing:
    entry = KNOWLEDGE[label]
    return Thing(file, f"a {label}", True, label, category, zh, entry, facts,
                 lambda phrase: label in phrase or category in phrase)


CHAIR = thing("chair.ply", "chair", "furniture", "椅子", size=[0.5, 1.2, 0.6], colors=["brown"], faces=4999,
              vertices=2653)
CAR = thing("car.obj", "car", "vehicle", "汽车", size=[2, 1, 4], colors=["green", "gray"], faces=1973, vertices=1200)
CAT = Thing("cat.jpg", "a cat", True, "cat", "animal", "猫", KNOWLEDGE["cat"], {}, lambda phrase: "cat" in phrase)


@pytest.mark.parametrize(("question", "parts"), [
    ("What are these?", ["first (chair.ply) is a chair", "second (car.obj) is a car"]),
    ("Which of the two is larger?", ["the car (car.obj) is larger", "1.20 high", "units need not"]),
    ("Which one is smaller?", ["the chair (chair.ply) is smaller"]),
    ("Which is taller?", ["the chair (chair.ply) is taller"]),
    ("Which is the longest?", ["the car (car.obj) is longer"]),
    ("Which is usually bigger?", ["chair is usually about 90 cm", "car is usually about 4.5 m"]),
    ("Which has more triangles?", ["chair (chair.ply) has more", "4,999", "1,973"]),
    ("Which one has fewer points?", ["car (car.obj) has fewer", "1,200 points"]),
    ("Which one is green?", ["The car (car.obj) is green", "brown"]),
    ("Which of them is red?", ["Neither of them is red", "green and gray"]),
    ("What colours do they have?", ["chair (chair.ply) is brown", "car (car.obj) is green and gray"]),
    ("Which one is a vehicle?", ["The car (car.obj) is a vehicle."]),
    ("Which of these is furniture?", ["The chair (chair.ply) is furniture."]),
    ("Which is a banana?", ["Neither of them is a banana"]),
    ("Which can I sit on?", ["The chair (chair.ply). A chair is a seat"]),
    ("Which one would I drive to work?", ["The car (car.obj)."]),
    ("What is the difference?", ["a chair, a piece of furniture", "a car, a road vehicle", "brown", "larger"]),
    ("Are they the same?", ["No.", "a chair", "a car"]),
    ("What do they have in common?", ["a chair", "a car"]),
    ("Which is louder?", ["a chair", "a car", "Which is louder, neither"]),
    ("Which is better for a small room?", ["Which is better, neither"]),
    ("哪个更贵？", ["椅子", "哪个更贵", "看不出来"]),
    ("哪个更大？", ["汽车（car.obj）更大", "单位不一定相同"]),
    ("哪个是绿色的？", ["汽车（car.obj）是绿色"]),
    ("这两个是什么？", ["第一个（chair.ply）是椅子", "第二个（car.obj）是汽车"]),
    ("它们有什么区别？", ["一种供一个人坐的家具", "椅子可以用来坐下休息", "汽车（car.obj）更大"]),
    ("哪个面更多？", ["椅子（chair.ply）更多", "4,999"]),
])
def test_a_comparison_is_answered_from_what_is_known(question, parts):
    answer = compare(question, [CHAIR, CAR])
    assert answer is not None and all(part in answer for part in parts), answer


@pytest.mark.parametrize("question", [
    "What is this?", "Tell me a story about it.", "Which one do you like?", "Is it red?", "How many legs does it have?",
    "Which other thing is there?", "",
])
def test_what_nothing_known_answers_is_left_to_the_model(question):
    assert compare(question, [CHAIR, CAR]) is None


def test_one_input_is_never_compared():
    assert compare("Which is larger?", [CHAIR]) is None
    assert compares("Which is larger?") and not compares("What is this?")


def test_known_units_make_sizes_comparable():
    metres = [Thing(one.file, one.name, facts={**one.facts, "unit": "m"}) for one in (CHAIR, CAR)]
    answer = compare("Which is larger?", metres)
    assert answer.startswith("The car (car.obj) is larger.") and "2.00 m wide" in answer


def test_what_has_no_measured_size_is_said_to_have_none():
    answer = compare("Which is larger?", [CAR, CAT])
    assert "the cat (cat.jpg) has none" in answer and "45 cm" in answer


def test_two_of_a_kind_are_told_apart_by_their_order_and_file():
    other = thing("stuhl.ply", "chair", "furniture", "椅子", size=[0.5, 1.2, 0.6], colors=["black"])
    assert "the second (stuhl.ply) is black" in compare("What colours are they, these two?", [CHAIR, other])
    assert compare("Are they the same?", [CHAIR, other]) == "Yes, both look like a chair."
    assert "the same in this" in compare("Which is taller?", [CHAIR, other])


def test_an_uncertain_name_is_said_to_be_one():
    unsure = Thing("thing.ply", "a stool", sure=False)
    assert "the second (thing.ply) is perhaps a stool" in compare("What are these?", [CHAIR, unsure])
    assert "something I don't recognise" in compare("What are these?", [CHAIR, Thing("x.ply")])


def test_the_largest_of_three_is_named():
    tree = thing("tree.pcd", "tree", "plant", "树", size=[5, 9, 5])
    assert "the tree (tree.pcd) is the largest" in compare("Which of these is the largest?", [CHAIR, CAR, tree])


@pytest.mark.parametrize(("words", "name", "label"), [
    ("Chair.", "a chair", "chair"), ("This is an airplane, seen from above.", "an airplane", "airplane"),
    ("The object is a wooden chair", "a wooden chair", ""), ("It looks like the moon.", "a moon", ""), ("  ", "", ""),
])
def test_a_name_is_taken_from_the_models_own_words(words, name, label):
    named = thing_named("a.ply", {"faces": 3}, words)
    assert (named.name, named.label) == (name, label) and named.facts == {"faces": 3}


def test_what_a_named_thing_is_follows_from_the_knowledge():
    chair, car, cat = (thing_named(f"{name}.ply", {}, name) for name in ("chair", "car", "cat"))
    assert compare("Which one is an animal?", [chair, cat]) == "The cat (cat.ply) is an animal."
    assert compare("Which of them is a vehicle?", [chair, car]) == "The car (car.ply) is a vehicle."
    assert compare("Which one is an animal?", [chair, car]).startswith("Neither of them is an animal.")


def test_several_inputs_of_a_model_are_named_one_by_one_and_compared(monkeypatch):
    torch = pytest.importorskip("torch")
    from pointllm.llm.generation import Sampling
    from pointllm.llm.model import Attachment, Look, PointLLM, Usage

    model = object.__new__(PointLLM)
    model.hints, model.config = None, {}
    asked = []

    def write(look, prompt, history, cache, sampling, usage):
        if len(look.inputs) == 1:
            asked.append(look.inputs[0].path)
            return iter(["A chair" if look.vectors[0, 0] else "A car", "."])
        return PointLLM._write(model, look, prompt, history, cache, sampling, usage)

    monkeypatch.setattr(model, "_write", write)
    shares = {"/up/a.ply": 0.5, "/up/b.ply": 0.5, "/up/without_weight.ply": 0.0}
    inputs = tuple(Attachment(path, "point", share) for path, share in shares.items())
    vectors, measured = torch.tensor([[1.0, 0], [0, 1.0], [1, 1]]), ({"size": [1, 2, 3]}, None, None)
    look, usage = Look(torch.ones(1, 2), inputs, (), vectors, measured), Usage()
    answer = "".join(PointLLM._write(model, look, "What are these?", [], True, Sampling(), usage))
    assert answer == "The first (a.ply) is a chair and the second (b.ply) is a car."
    assert asked == ["/up/a.ply", "/up/b.ply"] and len(usage.moments) == len(answer.split())
