"""Profiles by name or folder: what of them is here, and what to do about what is not."""

import shutil

import pytest
from tiny_official import write_official

from pointllm import PointBind, PointLLM
from pointllm.errors import WeightsError
from pointllm.profiles import CONVERTED, profiles, resolve


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path))
    return tmp_path


def official(cache, name="official-i2pmae", **options):
    return write_official(cache / "profiles" / name, **options)


@pytest.mark.parametrize("name", CONVERTED)
def test_a_profile_that_is_not_here_names_the_commands_that_bring_it(cache, name):
    with pytest.raises(WeightsError, match=f"`pointllm weights fetch {name}`.*`pointllm weights convert`") as caught:
        PointLLM.from_pretrained(name)
    assert "\n" not in str(caught.value)


def test_every_profile_is_listed_with_what_it_lacks(cache):
    official(cache, llm=False)
    embedded, i2pmae, pointbert = profiles()
    assert (embedded.name, embedded.answers) == ("embedded", True)
    assert i2pmae.embeds and not i2pmae.answers
    assert i2pmae.missing == ("the Point-LLM adapters", "the language model")
    assert not pointbert.embeds and len(pointbert.missing) == 4


def test_a_converted_profile_is_found_by_its_name_and_answers(cache, samples):
    official(cache, "official-pointbert", encoder="point_bert")
    model = PointLLM.from_pretrained("official-pointbert", device="cpu")
    answer = model.answer([samples / "chair.ply"], "What is this?", max_tokens=3)
    assert 0 < answer.tokens <= 3 and answer.inputs[0].weight == 1.0


def test_without_a_language_model_a_profile_embeds_and_says_what_it_lacks(cache):
    folder = official(cache, llm=False)
    assert PointBind.from_pretrained("official-i2pmae", device="cpu").embed(text=["a chair"]).shape == (1, 16)
    with pytest.raises(WeightsError, match="lacks the Point-LLM adapters and the language model: .*weights fetch"):
        PointLLM.from_pretrained("official-i2pmae")
    shutil.rmtree(folder / "point")
    with pytest.raises(WeightsError, match="lacks the point branch"):
        PointBind.from_pretrained("official-i2pmae")


def test_an_unfinished_part_counts_as_missing(cache):
    folder = official(cache)
    (folder / "imagebind" / "config.json").unlink()
    assert profiles()[1].missing == ("ImageBind",)
    with pytest.raises(WeightsError, match="lacks ImageBind"):
        resolve("official-i2pmae", needs=("imagebind",))


def test_an_unknown_name_lists_the_known_ones_and_a_broken_config_is_told():
    with pytest.raises(WeightsError, match="embedded, official-i2pmae, official-pointbert"):
        resolve("no-such-profile")


def test_a_broken_config_is_named(tmp_path):
    for content in ("{", "[]"):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(WeightsError, match="config.json"):
            PointBind.from_pretrained(str(tmp_path))
