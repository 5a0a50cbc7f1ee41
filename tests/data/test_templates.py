"""Prompt templates: articles, filling, and label vectors that keep labels apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pointllm.data.templates import QUICK_TEMPLATES, TEMPLATES, fill, label_embeddings, with_article
from pointllm.encoders.compact.text_minilm import TextTower
from pointllm.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "checkpoints" / "embedded" / "text"


@pytest.fixture(scope="module")
def tower() -> TextTower:
    return TextTower.from_folder(FOLDER)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chair", "a chair"),
        ("apple", "an apple"),
        ("Elephant", "an Elephant"),
        ("hourglass", "an hourglass"),
        ("house", "a house"),
        ("unicorn", "a unicorn"),
        ("uniform", "a uniform"),
        ("umbrella", "an umbrella"),
        ("uninhabited island", "an uninhabited island"),
        ("urinal", "a urinal"),
        ("U-shaped pipe", "a U-shaped pipe"),
        ("X-ray", "an X-ray"),
        ("t-shirt", "a t-shirt"),
        ("LED lamp", "an LED lamp"),
        ("USB stick", "a USB stick"),
        ("one-eyed cat", "a one-eyed cat"),
        ("scissors", "scissors"),
        ("glasses", "glasses"),
        ("playing cards", "playing cards"),
        ("glass", "a glass"),
        ("bus", "a bus"),
        ("cactus", "a cactus"),
        ("thermos", "a thermos"),
        ("rain", "rain"),
        ("sea waves", "sea waves"),
        ("toilet paper", "toilet paper"),
        ("toilet paper holder", "a toilet paper holder"),
        ("plate of food", "a plate of food"),
        ("the moon", "the moon"),
        ("a chair", "a chair"),
        ("  old   oak ", "an old oak"),
    ],
)
def test_names_take_their_article(name, expected):
    assert with_article(name) == expected


def test_there_are_64_different_templates_with_one_gap_each():
    assert len(set(TEMPLATES)) == len(TEMPLATES) == 64
    assert all(template.count("{}") == 1 for template in TEMPLATES)
    assert set(QUICK_TEMPLATES) <= set(TEMPLATES)


def test_fill_mentions_the_name_in_every_sentence():
    sentences = fill("egg")
    assert len(set(sentences)) == 64
    assert all("an egg" in sentence for sentence in sentences)
    assert not any("{" in sentence for sentence in sentences)


def test_braces_in_a_name_are_kept_as_they_are():
    assert fill("{0} box", ["look: {}"]) == ["look: a {0} box"]


@pytest.mark.parametrize("name", ["", "  \n"])
def test_empty_name_is_refused(name):
    with pytest.raises(InputError, match="empty label"):
        fill(name)


def test_label_vectors_are_unit_and_in_order(tower):
    vectors = label_embeddings(tower, ["dog", "kettle", "dog"], templates=QUICK_TEMPLATES)
    assert vectors.shape == (3, 384)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(3), atol=1e-6)
    assert torch.equal(vectors[0], vectors[2]) and not torch.allclose(vectors[0], vectors[1])
    assert label_embeddings(tower, []).shape == (0, 384)


def test_averaging_does_not_blur_labels_into_one(tower):
    names = ["chair", "dog", "truck", "apple", "guitar", "lamp", "tree", "sword"]
    vectors = label_embeddings(tower, names)
    similarity = vectors @ vectors.T
    off_diagonal = (similarity.sum() - len(names)) / (len(names) * (len(names) - 1))
    assert off_diagonal < 0.45
    # Other wordings of a thing still find it among the rest.
    queries = tower.encode(["a seat with four legs", "a puppy", "a lorry", "a fruit", "an instrument with strings"])
    assert (queries @ vectors.T).argmax(1).tolist() == [0, 1, 2, 3, 4]


def test_quick_templates_stay_near_all(tower):
    names = ["chair", "helicopter", "sea waves"]
    quick = label_embeddings(tower, names, templates=QUICK_TEMPLATES)
    assert ((quick * label_embeddings(tower, names)).sum(1) > 0.9).all()


def test_synonyms_pull_but_do_not_take_over(tower):
    plain = label_embeddings(tower, ["child"], templates=QUICK_TEMPLATES)[0]
    wide = label_embeddings(tower, ["child"], {"child": ["boy", "girl", "child"]}, templates=QUICK_TEMPLATES)[0]
    girl = label_embeddings(tower, ["girl"], templates=QUICK_TEMPLATES)[0]
    assert wide @ girl > plain @ girl
    assert wide @ plain > wide @ girl
    assert wide @ plain > 0.95
