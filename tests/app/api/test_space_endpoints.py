"""/classify, /retrieve, /embed, /describe and /profiles, called as programs call them."""

import math
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from pointllm.profiles import checkpoints_dir
from pointllm.tasks.generation import has_generator

needs_generator = pytest.mark.skipif(not has_generator(checkpoints_dir() / "embedded"),
                                     reason="the embedded profile has no shape generator")


@pytest.fixture(scope="module")
def client(answering_app):
    return Client(answering_app.url, verbose=False)


@pytest.fixture
def chair(samples):
    return handle_file(str(samples / "chair.ply"))


@pytest.fixture
def broken(tmp_path):
    (tmp_path / "words.ply").write_text("no mesh at all")
    return handle_file(str(tmp_path / "words.ply"))


def test_types_are_documented(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert {"/ask", "/classify", "/retrieve", "/embed", "/generate", "/describe", "/profiles"} <= set(endpoints)
    types = {p["parameter_name"]: p["python_type"]["type"] for p in endpoints["/retrieve"]["parameters"]}
    assert types["texts"] == "list[str]" and types["weights"] == "list[float]"
    assert all(p["parameter_has_default"] for p in endpoints["/retrieve"]["parameters"])


def test_files_are_recognised_and_a_broken_one_does_not_stop_the_others(client, chair, broken, samples):
    files = [chair, broken, handle_file(str(samples / "rooster.ogg"))]
    rows = client.predict(files=files, labels=["chair", "rooster", "submarine"], top=2, none_of_these=True,
                          api_name="/classify")
    assert [row["input"] for row in rows] == ["chair.ply", "words.ply", "rooster.ogg"]
    assert [row["top"][0]["label"] for row in (rows[0], rows[2])] == ["chair", "rooster"]
    assert len(rows[0]["top"]) == 2 and rows[0]["none"] is False
    assert "words.ply" in rows[1]["error"] and "/" not in rows[1]["error"]


def test_labels_may_be_chinese_or_pictures_or_stand_between_commas(client, chair, samples):
    icons = [handle_file(str(samples / "icons" / name)) for name in ("chair.png", "car.png")]
    assert client.predict(files=[chair], labels="椅子, 汽车", api_name="/classify")[0]["top"][0]["label"] == "椅子"
    shown = client.predict(files=[chair], label_files=icons, api_name="/classify")
    assert shown[0]["top"][0]["label"] == "chair"


def test_a_label_that_names_a_file_of_the_server_is_only_a_name(client, chair, tmp_path):
    (tmp_path / "labels.txt").write_text("secret")
    rows = client.predict(files=[chair], labels=[str(tmp_path / "labels.txt"), "chair"], api_name="/classify")
    assert {p["label"] for p in rows[0]["top"]} == {str(tmp_path / "labels.txt"), "chair"}


def test_files_are_found_by_words_added_and_subtracted(client):
    found = client.predict(texts=["an animal"], top=3, api_name="/retrieve")
    assert "cat" in found["top"][0]["name"] and found["searched"] > 5
    assert found["inputs"] == [{"input": "an animal", "modality": "text", "weight": 1.0}]
    less = client.predict(texts=["an animal"], minus_texts=["a cat"], weights=[1, 2], top=3, api_name="/retrieve")
    assert [hit["name"] for hit in less["top"]] != [hit["name"] for hit in found["top"]]
    assert math.isclose(sum(less["top"][0]["shares"]), less["top"][0]["score"], abs_tol=1e-4)


def test_uploads_are_searched_among(client, chair, broken, samples):
    gallery = [chair, broken, handle_file(str(samples / "cat.jpg"))]
    found = client.predict(texts=["furniture"], gallery=gallery, api_name="/retrieve")
    assert [hit["name"] for hit in found["top"]] == ["chair.ply", "cat.jpg"]
    assert len(found["errors"]) == 1 and found["errors"][0].startswith("words.ply")


def test_vectors_are_of_unit_norm(client, chair):
    rows = client.predict(files=[chair], texts=["a chair", "a tree"], api_name="/embed")
    assert [row["modality"] for row in rows] == ["point", "text", "text"]
    chair, same, other = (row["embedding"] for row in rows)
    assert math.isclose(math.sqrt(sum(number * number for number in chair)), 1, abs_tol=1e-3)
    near, far = (sum(a * b for a, b in zip(chair, text, strict=True)) for text in (same, other))
    assert near > far


def test_measured_facts(client, chair, broken):
    rows = client.predict(files=[chair, broken], api_name="/describe")
    assert rows[0]["format"] == "ply" and rows[0]["faces"] == 4999 and len(rows[0]["size"]) == 3
    assert "error" in rows[1]


@needs_generator
def test_shapes_are_made_of_words_and_the_same_seed_makes_the_same(client):
    given = {"texts": ["a chair"], "samples": 2, "seed": 3, "api_name": "/generate"}
    shapes, rows = client.predict(**given)
    assert [row["name"] for row in rows] == ["shape-1.glb", "shape-2.glb"] and all(row["faces"] > 100 for row in rows)
    contents = [Path(shape).read_bytes() for shape in shapes]
    assert all(content.startswith(b"glTF") for content in contents) and contents[0] != contents[1]
    assert [Path(shape).read_bytes() for shape in client.predict(**given)[0]] == contents


def test_shapes_of_nothing_or_too_many_are_refused(client):
    with pytest.raises(Exception, match="no file or text to make"):
        client.predict(api_name="/generate")
    with pytest.raises(Exception, match="too many"):
        client.predict(texts=["a chair"], samples=8, best_of=8, api_name="/generate")


def test_profiles_tell_which_one_answers(client):
    rows = client.predict(api_name="/profiles")
    assert [row["name"] for row in rows if row["loaded"]] == ["embedded"]


@pytest.mark.parametrize(("endpoint", "given", "line"), [
    ("/classify", {"labels": ["a"]}, "no file to recognise"),
    ("/classify", {"labels": [1]}, "labels must be a list of texts"),
    ("/retrieve", {}, "no input to search by"),
    ("/retrieve", {"texts": ["a"], "weights": [1, 2]}, "2 weights for 1 inputs"),
    ("/retrieve", {"texts": ["a"], "minus_texts": ["a"]}, "cancel"),
    ("/retrieve", {"texts": ["a"], "modalities": ["smell"]}, "holds nothing of kind smell"),
    ("/embed", {}, "no file or text"),
    ("/describe", {}, "no file to describe"),
])
def test_calls_that_cannot_be_answered_say_why_in_one_line(client, endpoint, given, line):
    with pytest.raises(Exception, match=line) as caught:
        client.predict(**given, api_name=endpoint)
    assert "\n" not in str(caught.value) and "/tmp" not in str(caught.value) and "/work" not in str(caught.value)


def test_an_address_of_another_host_is_not_fetched(client):
    away = {"path": "http://example.com/chair.ply", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(Exception, match="not fetched from other hosts"):
        client.predict(files=[away], api_name="/describe")
