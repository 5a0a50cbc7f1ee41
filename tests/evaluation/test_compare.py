import json

import pytest

from pointllm.errors import InputError
from pointllm.evaluation.ablation import ablation
from pointllm.evaluation.compare import compare, comparison_table


def written(folder, right, task="qa", summary=None, score=None):
    """A results.json as `eval` writes it, with the least that comparing needs."""
    folder.mkdir()
    items = [{"key": f"k{i}", "group": "name", "right": value} for i, value in enumerate(right)]
    items += [{"key": f"s{i}", "group": "use", "score": value} for i, value in enumerate(score or [])]
    (folder / "results.json").write_text(json.dumps({"task": task, "summary": summary or {}, "items": items}))
    return folder


def test_a_clear_difference_is_told_from_chance(tmp_path):
    a = written(tmp_path / "a", [True] * 20 + [False] * 20, score=[0.1, 0.2, 0.3, 0.4] * 10)
    b = written(tmp_path / "b", [True] * 40, score=[0.2, 0.3, 0.4, 0.5] * 10)
    names, use = compare(a, b)["groups"]
    assert (names["a"], names["b"], names["only_b"]) == (50.0, 100.0, 20) and names["p"] < 0.001
    assert 30 < names["low"] < 50 < names["high"] < 70
    assert use["difference"] == pytest.approx(0.1) and "p" not in use
    text = comparison_table(compare(a, b))
    assert text.count("B is better") == 2

    c = written(tmp_path / "c", [False] + [True] * 19 + [False] * 19 + [True])
    assert "no clear difference" in comparison_table(compare(a, c))


def test_things_that_one_alone_judged_are_counted_and_left_out(tmp_path):
    a, b = written(tmp_path / "a", [True] * 3), written(tmp_path / "b", [True])
    found = compare(a, b)
    assert found["groups"][0]["items"] == 1 and found["only_in_a"] == 2
    assert "2 things that only A judged" in comparison_table(found)


def test_what_cannot_be_compared_is_one_line(tmp_path):
    a, b = written(tmp_path / "a", [True]), written(tmp_path / "b", [True], task="retrieval")
    with pytest.raises(InputError, match="same kind"):
        compare(a, b)
    with pytest.raises(InputError, match="in common"):
        compare(a, written(tmp_path / "c", []))
    with pytest.raises(InputError, match="results.json"):
        compare(a, tmp_path)
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(InputError, match="no results"):
        compare(a, tmp_path / "list.json")


def test_an_ablation_shows_what_differs(tmp_path):
    runs = [written(tmp_path / n, [], summary={"objects": 9, "top1": t, "variants": {"plain": {"top1": t - 5}}})
            for n, t in (("one", 60.0), ("two", 61.5))]
    head, rows = ablation([f"two linear layers={runs[1]}", str(runs[0])])
    assert head == ["run", "top1", "variants.plain.top1"]
    assert rows == [["two linear layers", 61.5, 56.5], ["one", 60.0, 55.0]]
    assert ablation([str(runs[0])], ["objects"]) == (["run", "objects"], [["one", 9]])
    with pytest.raises(InputError, match="variants.plain.top1"):
        ablation([str(runs[0])], ["top7"])
