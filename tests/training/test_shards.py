"""What is kept between runs: found again, made anew when it must be, and never half a file."""

import numpy as np
import pytest

from pointllm.errors import DataError, InputError
from pointllm.training import shards
from pointllm.training.shards import cached


def counting(made):
    def compute(name):
        made.append(name)
        if name == "bad":
            raise InputError("bad can't be read")
        return {"value": np.full(3, len(name)), "word": np.array(name)}

    return compute


def test_what_was_made_is_not_made_again_and_new_entries_cost_only_themselves(tmp_path):
    made = []
    cached(tmp_path, "kind", "how", {"a": "1", "bb": "2"}, counting(made))
    found = cached(tmp_path, "kind", "how", {"ccc": "3", "bb": "2", "a": "1"}, counting(made))
    assert made == ["a", "bb", "ccc"] and list(found) == ["ccc", "bb", "a"]
    assert found["bb"]["value"].tolist() == [2, 2, 2] and str(found["bb"]["word"]) == "bb"


def test_another_key_or_another_way_is_another_entry(tmp_path):
    made = []
    for how, key in (("how", "1"), ("how", "2"), ("other", "2"), ("how", "1")):
        cached(tmp_path, "kind", how, {"a": key}, counting(made))
    assert made == ["a"] * 3


def test_what_fails_is_reported_left_out_and_tried_again(tmp_path, caplog):
    made = []
    for _ in range(2):
        assert list(cached(tmp_path, "kind", "how", {"a": "1", "bad": "2"}, counting(made))) == ["a"]
    assert made == ["a", "bad", "bad"] and "left out bad: bad can't be read" in caplog.text


def test_an_interrupted_computation_keeps_what_was_done(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 2)

    def interrupted(name):
        if name == "3":
            raise KeyboardInterrupt
        return {"value": np.zeros(1)}

    keys = {str(n): str(n) for n in range(5)}
    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "kind", "how", keys, interrupted)
    made = []
    assert len(cached(tmp_path, "kind", "how", keys, counting(made))) == 5
    assert made == ["2", "3", "4"] and not list(tmp_path.glob(".*"))


def test_a_damaged_file_is_made_anew(tmp_path, caplog):
    made = []
    cached(tmp_path, "kind", "how", {"a": "1"}, counting(made))
    [file] = tmp_path.glob("kind-*.npz")
    file.write_bytes(file.read_bytes()[:60])
    assert list(cached(tmp_path, "kind", "how", {"a": "1"}, counting(made))) == ["a"]
    assert made == ["a", "a"] and "can't be read" in caplog.text


def test_nothing_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="none of 1"):
        cached(tmp_path, "kind", "how", {"bad": "1"}, counting([]))
    assert cached(tmp_path, "kind", "how", {}, counting([])) == {}
