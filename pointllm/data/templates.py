"""Prompt templates: from the name of a thing to sentences about it, and to the label's vector in the joint space.

A bare name is a poor sentence. Averaging the vectors of many sentences that mention the thing (prompt ensembling,
Radford et al., arXiv 2103.00020) keeps what they share. The wording here is our own and suits what is embedded:
3D objects, rendered views, photographs, sounds.

Relies on a text tower that has `encode(list[str]) -> (B, D)`; knows nothing of its weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from pointllm.errors import InputError

if TYPE_CHECKING:
    from pointllm.encoders.compact.text_minilm import TextTower

OBJECT_TEMPLATES = (
    "{}",
    "{}.",
    "this is {}.",
    "here we have {}.",
    "an object: {}.",
    "what is shown is {}.",
    "a 3D model of {}.",
    "a 3D shape in the form of {}.",
    "the geometry of {}.",
    "a mesh that depicts {}.",
    "a point cloud of {}.",
    "a cloud of coloured points shaped like {}.",
    "a sparse scan of {}.",
    "a laser scan of {}.",
    "a digital sculpture of {}.",
    "a game asset: {}.",
    "a low-poly model of {}.",
    "a finely detailed model of {}.",
    "a toy-sized replica of {}.",
    "a plain grey model of {}.",
    "a colourful model of {}.",
    "a cartoon version of {}.",
    "a design for {}.",
    "a 3D print of {}.",
)
VIEW_TEMPLATES = (
    "a rendering of {}.",
    "a computer rendering of {} on a white background.",
    "{} rendered without a background.",
    "{} seen from the front.",
    "{} seen from the side.",
    "{} seen from behind.",
    "{} seen from above.",
    "{} at an angle.",
    "a turntable view of {}.",
    "a shaded preview of {}.",
    "a depth image of {}.",
    "the outline of {}.",
    "an isometric drawing of {}.",
    "a clean studio view of {}.",
)
PHOTO_TEMPLATES = (
    "a photo of {}.",
    "a photo that shows {} in the middle.",
    "a snapshot of {} taken with a phone.",
    "a close picture of {}.",
    "a picture of {} from far away.",
    "a blurry picture of {}.",
    "a dark photo of {}.",
    "a bright photo of {}.",
    "a product photo of {}.",
    "{} in everyday use.",
    "{} indoors.",
    "{} outdoors.",
    "{} standing on the ground.",
    "a picture with {} and little else.",
    "a video frame with {}.",
    "somebody is looking at {}.",
)
SOUND_TEMPLATES = (
    "the sound of {}.",
    "a recording of {}.",
    "the noise that comes from {}.",
    "one can hear {}.",
    "an audio clip of {}.",
    "what {} sounds like.",
    "{} heard nearby.",
    "{} heard in the distance.",
    "a field recording with {}.",
    "listening to {}.",
)
TEMPLATES = OBJECT_TEMPLATES + VIEW_TEMPLATES + PHOTO_TEMPLATES + SOUND_TEMPLATES

# For lists of labels given on the spot. The shipped point tower was trained against labels averaged over these eight;
# another eight of the 64 cost it three points of top-1 on `val`, and the image head one.
QUICK_TEMPLATES = TEMPLATES[:8]

# Heads of names that take no article: substances, weather, collectives, plurals without an s.
_MASS_NOUNS = frozenset(
    "armor armour bacon bamboo bread broccoli butter cauliflower celery cheese chocolate clothing coffee corn cutlery "
    "equipment fire firewood foliage food furniture garbage grass ham hay honey jewelry lava lettuce luggage meat men "
    "milk money music mud oil paper people rain rice salad salt sand smoke snow soap soup steam sugar sushi tableware "
    "tea thunder toast trash tv water weather wheat wind wine women wood wool".split()
)
# An s at the end makes a plural, but not in glass, bus or tennis, nor in these.
_PLURAL = re.compile(r"[^siu\W]s$")
_SINGULAR_S = frozenset("alias atlas biceps bias canvas christmas gas lens thermos".split())
# Spelled with a vowel but spoken with a consonant, and the other way round (abbreviations are spelled out).
_CONSONANT_SOUND = re.compile(r"(?i:uni(?!n|m)|us[eua]|ute|uri|eu|one\b|once\b|ufo\b|uku)|U(?=[A-Z-])")
_VOWEL_SOUND = re.compile(r"(?i:hour|honest|honou?r|heir)|[aefhilmnorsxAEFHILMNORSX](?=-)|[AEFHILMNORSX](?=[A-Z0-9])")
_DETERMINER = re.compile(r"(a|an|the|some|no|one|two|three|many|my|your|his|her|its|our|their|this|that)\s", re.I)


def with_article(name: str) -> str:
    """`chair` → `a chair`, `hourglass` → `an hourglass`; plurals and substances (`scissors`, `rain`) stay as they are.

    Raises:
        InputError: the name is empty.
    """
    name = " ".join(name.split())
    if not name:
        raise InputError("empty label: give the name of a thing, such as 'chair'")
    head = re.split(r"\s(?:of|with|for|in|on)\s", name.lower())[0].split()[-1]  # "plate of food": the plate counts
    plural = bool(_PLURAL.search(head)) and head not in _SINGULAR_S
    if _DETERMINER.match(name) or plural or head in _MASS_NOUNS:
        return name
    vowel = name[0].lower() in "aeiou" and not _CONSONANT_SOUND.match(name)
    return f"{'an' if vowel or _VOWEL_SOUND.match(name) else 'a'} {name}"


def fill(name: str, templates: Sequence[str] = TEMPLATES) -> list[str]:
    """One sentence about `name` for each template, with the article that the name takes."""
    thing = with_article(name)
    return [template.format(thing) for template in templates]


def label_embeddings(
    text_tower: TextTower,
    names: Sequence[str],
    synonyms: Mapping[str, Sequence[str]] | None = None,
    templates: Sequence[str] = TEMPLATES,
    synonym_weight: float = 0.25,
) -> Tensor:
    """The vectors of labels in the joint space: (L, D) float32, unit norm, in the order of `names`.

    A label's vector is the mean over its filled templates. Where `synonyms` lists other names for a label, the mean of
    theirs (each averaged over the templates alike) joins with `synonym_weight` against 1 for the name itself: other
    names widen a label but must not move it, and some are only near-synonyms.

    All 64 templates cost about 64 forward passes a label; `templates=QUICK_TEMPLATES` is the cheap variant for
    lists given at run time.
    """
    synonyms = synonyms or {}
    others = [[other for other in synonyms.get(name, ()) if other.strip() and other != name] for name in names]
    wanted = list(dict.fromkeys([*names, *(other for group in others for other in group)]))
    if not wanted:
        return torch.zeros(0, text_tower.dim)
    sentences = [sentence for name in wanted for sentence in fill(name, templates)]
    vectors = text_tower.encode(sentences).view(len(wanted), len(templates), -1)  # (W, T, D)
    means = dict(zip(wanted, F.normalize(vectors.mean(dim=1), dim=-1), strict=True))

    rows = []
    for name, group in zip(names, others, strict=True):
        row = means[name]
        if group:
            row = row + synonym_weight * F.normalize(torch.stack([means[other] for other in group]).mean(dim=0), dim=0)
        rows.append(row)
    return F.normalize(torch.stack(rows), dim=-1)
