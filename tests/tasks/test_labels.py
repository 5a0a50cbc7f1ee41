"""Labels in words, in Chinese, as files; and their vectors kept on disk."""

import json
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiny_space import DIM, TinyBind, unit, write_picture

from pointllm.errors import InputError
from pointllm.tasks import label_cache
from pointllm.tasks.chinese import is_chinese, translate
from pointllm.tasks.label_cache import LabelCache
from pointllm.tasks.labels import Label, embed_labels, known_labels, parse_labels, read_templates, word_vectors

BARE = ("{}",)


def shown(labels):
    return [(label.name, label.words) for label in labels.labels]


# --- reading


def test_names_come_from_a_line_a_file_or_json(tmp_path):
    (tmp_path / "a.txt").write_text("\ufeffchair\n\n  office   chair \n", encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps({"cat": {}, "dog": {}}))
    assert shown(parse_labels(" cat, dog ,")) == [("cat", "cat"), ("dog", "dog")]
    assert [label.name for label in parse_labels(str(tmp_path / "a.txt")).labels] == ["chair", "office chair"]
    assert [label.name for label in parse_labels(str(tmp_path / "a.json")).labels] == ["cat", "dog"]


def test_labels_of_one_meaning_are_merged_with_a_note(caplog):
    with caplog.at_level(logging.INFO, "pointllm"):
        labels = parse_labels("chair,cat,Chair,椅子,chair")
    assert [label.name for label in labels.labels] == ["chair", "cat"]
    assert "merged: Chair, 椅子, chair" in caplog.text


def test_chinese_names_are_translated_and_shown_as_given():
    labels = parse_labels("椅子,红色的汽车,一只狗,婴儿哭声,cat")
    assert shown(labels) == [("椅子", "chair"), ("红色的汽车", "red car"), ("一只狗", "dog"), ("婴儿哭声", "baby cry"),
                             ("cat", "cat")]


def test_an_unknown_chinese_name_is_named_and_the_others_kept():
    labels = parse_labels("椅子,量子纠缠")
    assert shown(labels) == [("椅子", "chair")] and len(labels.errors) == 1 and "量子纠缠" in labels.errors[0]
    with pytest.raises(InputError, match="量子纠缠"):
        parse_labels("量子纠缠")


def test_every_chinese_name_of_the_object_knowledge_is_known():
    from pointllm.data.questions import read_knowledge

    for label, entry in read_knowledge().items():
        name = entry["zh"]["name"]
        assert translate(name), (label, name)
    assert is_chinese("VR头显") and not is_chinese("café")
    assert translate("椅子狗") is None and translate("的") is None and translate("") is None


def test_files_are_labels_named_by_their_stem_and_folders_hold_several(tmp_path):
    red = write_picture(tmp_path / "deep_red.png", "red")
    blue = write_picture(tmp_path / "set" / "sky" / "1.png", "blue")
    other = write_picture(tmp_path / "set" / "sky" / "2.png", "blue")
    alone = write_picture(tmp_path / "set" / "grass.png", "green")
    labels = parse_labels(f"{red},tree", [str(tmp_path / "set")]).labels
    assert labels == [Label("deep red", "", (str(red),)), Label("tree", "tree"), Label("grass", "", (str(alone),)),
                      Label("sky", "", (str(blue), str(other)))]


def test_a_word_and_a_file_of_one_name_are_one_label(tmp_path):
    dog = write_picture(tmp_path / "dog.png", "gray")
    assert parse_labels("dog,cat", [str(dog)]).labels == [Label("dog", "dog", (str(dog),)), Label("cat", "cat")]


@pytest.mark.parametrize(("given", "says"), [
    (" , ", "no label"), ("absent.txt", "no such file of labels"), ("absent.png,", "no such file for a label"),
])
def test_labels_that_are_none_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        parse_labels(given)


def test_label_files_that_show_nothing_are_reported(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.xyzzy").write_bytes(b"?")
    labels = parse_labels("cat", [str(tmp_path / "empty"), str(tmp_path / "x.xyzzy"), "absent.ogg"])
    assert [label.name for label in labels.labels] == ["cat"] and len(labels.errors) == 3


def test_templates_are_named_or_come_from_a_file(tmp_path):
    assert [len(read_templates(name)) for name in ("quick", "all", "none")] == [8, 64, 1]
    assert [len(read_templates("auto", labels)) for labels in (591, 10_000)] == [8, 1]
    (tmp_path / "mine.txt").write_text("a drawing of {}\n\na drawing of {}\nmy {}\n")
    assert read_templates(str(tmp_path / "mine.txt")) == ("a drawing of {}", "my {}")
    for line, says in (("no place", "once"), ("{} and {}", "once"), ("{0.real} {}", "once"), ("", "no template")):
        (tmp_path / "bad.txt").write_text(line + "\n")
        with pytest.raises(InputError, match=says):
            read_templates(str(tmp_path / "bad.txt"))
    with pytest.raises(InputError, match="quick, all or none"):
        read_templates("loud")


# --- vectors


def test_a_label_of_several_files_is_their_mean_and_a_broken_one_is_reported(tmp_path):
    red, blue = write_picture(tmp_path / "r.png", "red"), write_picture(tmp_path / "b.png", "blue")
    (tmp_path / "x.png").write_bytes(b"no picture")
    found = embed_labels(TinyBind(), [Label("both", "", (str(red), str(blue), str(tmp_path / "x.png"))),
                                      Label("gone", "", (str(tmp_path / "x.png"),)), Label("red", "red")], BARE)
    assert [label.name for label in found.labels] == ["both", "red"] and found.modalities == ("image", "text")
    assert len(found.errors) == 2 and "x.png" in found.errors[0]
    bind = TinyBind()
    np.testing.assert_allclose(found.vectors[0], unit(bind.embed_file(red).vector + bind.embed_file(blue).vector),
                               atol=1e-6)


def test_no_label_that_can_be_embedded_is_one_line(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="x.png"):
        embed_labels(TinyBind(), [Label("gone", "", (str(tmp_path / "x.png"),))], BARE)


def test_ten_thousand_labels_are_embedded_once_and_then_known(tmp_path):
    names = [f"thing {number}" for number in range(10_000)]
    cache, bind = LabelCache("tower", BARE, tmp_path), TinyBind()
    vectors = word_vectors(bind, names, BARE, cache)
    assert vectors.shape == (10_000, DIM) and bind.sentences == 10_000
    again = word_vectors(bind, names[::-1], BARE, LabelCache("tower", BARE, tmp_path))
    assert bind.sentences == 10_000
    np.testing.assert_array_equal(again, vectors[::-1])


def test_another_tower_or_other_templates_do_not_share_vectors(tmp_path):
    bind = TinyBind()
    for tower, templates in (("one", BARE), ("two", BARE), ("one", ("a {}",)), ("one", BARE)):
        word_vectors(bind, ["red"], templates, LabelCache(tower, templates, tmp_path))
    assert bind.sentences == 3


def test_a_damaged_cache_is_thrown_away_and_begun_anew(tmp_path):
    cache, bind = LabelCache("tower", BARE, tmp_path), TinyBind()
    expected = word_vectors(bind, ["red", "blue"], BARE, cache)
    cache.file.write_bytes(b"SQLite format 3\0" + b"rubbish " * 999)
    np.testing.assert_array_equal(word_vectors(bind, ["red", "blue"], BARE, cache), expected)
    word_vectors(bind, ["red", "blue"], BARE, cache)
    word_vectors(bind, ["red", "blue"], BARE, cache)
    assert bind.sentences <= 6 and set(cache.get(["red", "blue"], DIM)) == {"red", "blue"}


def test_a_vector_that_was_tampered_with_is_not_used(tmp_path):
    cache, bind = LabelCache("tower", BARE, tmp_path), TinyBind()
    expected = word_vectors(bind, ["red"], BARE, cache)
    with sqlite3.connect(cache.file) as database:
        database.execute("UPDATE labels SET vector = zeroblob(?)", (4 * DIM,))
    np.testing.assert_array_equal(word_vectors(bind, ["red"], BARE, cache), expected)
    assert bind.sentences == 2


def test_the_cache_stays_small(tmp_path, monkeypatch):
    cache = LabelCache("tower", BARE, tmp_path, most=10)
    for start in range(0, 30, 5):
        cache.put({f"n{start + i}": np.zeros(DIM, np.float32) for i in range(5)})
    assert sorted(cache.get([f"n{i}" for i in range(30)], DIM)) == sorted(f"n{i}" for i in range(20, 30))
    monkeypatch.setattr(label_cache, "MOST_FILES", 3)
    for number in range(6):
        LabelCache(f"tower {number}", BARE, tmp_path).put({"a": np.zeros(DIM, np.float32)})
    assert len(list(tmp_path.glob("*.sqlite"))) == 3


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    cache = LabelCache("tower", BARE, tmp_path / "file")
    assert word_vectors(TinyBind(), ["red"], BARE, cache).shape == (1, DIM)


def test_several_writers_lose_nothing(tmp_path):
    def write(worker):
        for number in range(5):
            LabelCache("tower", BARE, tmp_path).put({f"{worker}-{number}": np.full(DIM, worker, np.float32)})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    found = LabelCache("tower", BARE, tmp_path).get([f"{w}-{n}" for w in range(6) for n in range(5)], DIM)
    assert len(found) == 30


def test_the_known_labels_are_shown_in_the_readers_language_and_mean_the_same():
    english, chinese = known_labels(), known_labels("zh")
    assert len(english.labels) == len(chinese.labels) > 500 and not english.errors
    assert ("chair", "chair") in shown(english) and ("椅子", "chair") in shown(chinese)


def test_labels_that_a_file_repeats_are_merged_and_keep_their_first_place(tmp_path, caplog):
    file = tmp_path / "labels.txt"
    file.write_text("chair\ncat\n chair \n椅子\nCAT\ndog\n", encoding="utf-8")
    with caplog.at_level(logging.INFO, "pointllm"):
        assert [label.name for label in parse_labels(str(file)).labels] == ["chair", "cat", "dog"]
    assert "3 labels were given more than once" in caplog.text
