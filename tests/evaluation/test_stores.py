import numpy as np
import pytest

from pointllm.errors import InputError
from pointllm.evaluation.stores import PIECE, AnswerStore, VectorStore, file_key


def test_vectors_come_back_as_they_were(tmp_path):
    store = VectorStore(tmp_path / "v", (2, 3))
    vectors = {f"k{i}": np.random.default_rng(i).random((2, 3)).astype(np.float32) for i in range(PIECE + 3)}
    for key, vector in vectors.items():
        store.put(key, vector)
    assert len(list((tmp_path / "v").glob("*.npz"))) == 1  # a full piece is written at once
    store.flush()
    again = VectorStore(tmp_path / "v", (2, 3))
    assert all(np.array_equal(again[key], vector) for key, vector in vectors.items())
    assert "absent" not in again and not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive at all"])
def test_a_damaged_piece_costs_its_own_vectors_only(tmp_path, content):
    store = VectorStore(tmp_path, (3,))
    store.put("kept", np.ones(3))
    store.flush()
    (tmp_path / "damaged.npz").write_bytes(content)
    assert "kept" in VectorStore(tmp_path, (3,))


def test_vectors_of_another_size_are_not_used(tmp_path):
    store = VectorStore(tmp_path, (3,))
    store.put("a", np.ones(3))
    store.flush()
    assert "a" not in VectorStore(tmp_path, (4,))


def test_pickled_objects_are_not_loaded(tmp_path):
    np.savez(tmp_path / "evil.npz", keys=np.array([{"a": 1}], dtype=object), vectors=np.ones((1, 3), np.float32))
    assert "a" not in VectorStore(tmp_path, (3,))


def test_answers_survive_a_kill_in_the_middle_of_a_line(tmp_path):
    file = tmp_path / "answers.jsonl"
    store = AnswerStore(file)
    store.put("one", "A sofa.", {"question": "What?"})
    with file.open("a") as stream:
        stream.write('{"key": "two", "answer": "A cha')
    store = AnswerStore(file)
    assert "one" in store and "two" not in store
    store.put("three", "椅子\n两行", {})
    again = AnswerStore(file)
    assert again["one"] == "A sofa." and again["three"] == "椅子\n两行" and "two" not in again


def test_a_changed_file_has_another_key(tmp_path):
    file = tmp_path / "a.ply"
    absent = file_key(file)
    file.write_bytes(b"1")
    first = file_key(file)
    file.write_bytes(b"22")
    assert len({absent, first, file_key(file)}) == 3


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    store = VectorStore(tmp_path / "file" / "below", (3,))
    store.put("a", np.ones(3))
    with pytest.raises(InputError, match="can't be made"):
        store.flush()
