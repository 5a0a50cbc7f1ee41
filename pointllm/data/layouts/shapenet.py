"""ShapeNetCore, v1 and v2 (Chang et al., arXiv 1512.03012): a folder a synset, a folder a model.

    ShapeNetCore.v2/
      taxonomy.json                            names of the synsets; built in for the 55 of Core
      all.csv                                  id, synsetId, subSynsetId, modelId, split
      02691156/10155655850468db78d106ce0a280f87/models/model_normalized.obj       v2
      02691156/10155655850468db78d106ce0a280f87/model.obj                         v1
      02691156/10155655850468db78d106ce0a280f87.glb                               as GLB
"""

from __future__ import annotations

import re
from pathlib import Path

from ..files import slug
from . import tables
from .found import SPLIT_NAMES, Found, Options, first_of, open_json, pictures_in, source_name

NAME, TITLE = "shapenet", "ShapeNetCore"
SYNSET = re.compile(r"\d{8}")
MODEL_FILES = ("models/model_normalized.obj", "models/model_normalized.glb", "models/model.obj", "model.obj",
               "model_normalized.obj", "model.glb", "model.ply")
LICENSE = "ShapeNet terms of use"

# The 55 synsets of ShapeNetCore (and two more of v1) and their WordNet lemmas; the first is our label, whichever the
# order of taxonomy.json, so that labels line up with those of other sources and of sounds.
CORE = {
    "02691156": "airplane,aeroplane,plane", "02747177": "trash can,ashcan,garbage can,wastebin,trash bin",
    "02773838": "bag,traveling bag,grip,suitcase", "02801938": "basket,handbasket",
    "02808440": "bathtub,bathing tub,bath,tub", "02818832": "bed", "02828884": "bench", "02834778": "bicycle,bike",
    "02843684": "birdhouse", "02858304": "boat", "02871439": "bookcase,bookshelf", "02876657": "bottle",
    "02880940": "bowl", "02924116": "bus,autobus,coach,motorbus", "02933112": "cabinet",
    "02942699": "camera,photographic camera", "02946921": "can,tin,tin can", "02954340": "cap",
    "02958343": "car,auto,automobile,motorcar", "02992529": "mobile phone,cellphone,cellular telephone",
    "03001627": "chair", "03046257": "clock", "03085013": "keyboard,computer keyboard,keypad",
    "03207941": "dishwasher,dish washer", "03211117": "monitor,display,video display,screen",
    "03261776": "headphones,headphone,earphone,earpiece", "03325088": "faucet,spigot,tap",
    "03337140": "filing cabinet,file cabinet,file", "03467517": "guitar", "03513137": "helmet", "03593526": "jar",
    "03624134": "knife", "03636649": "lamp", "03642806": "laptop,laptop computer",
    "03691459": "loudspeaker,speaker,speaker unit", "03710193": "mailbox,letter box", "03759954": "microphone,mike",
    "03761084": "microwave,microwave oven", "03790512": "motorcycle,bike", "03797390": "mug",
    "03928116": "piano,pianoforte,forte-piano", "03938244": "pillow", "03948459": "pistol,handgun,side arm",
    "03991062": "pot,flowerpot", "04004475": "printer,printing machine",
    "04074963": "remote control,remote", "04090263": "rifle", "04099429": "rocket,projectile",
    "04225987": "skateboard", "04256520": "sofa,couch,lounge", "04330267": "stove",
    "04379243": "table", "04401088": "telephone,phone,telephone set", "04460130": "tower",
    "04468005": "train,railroad train", "04530566": "boat,vessel,watercraft,ship",
    "04554684": "washing machine,washer,automatic washer",
}


def recognise(root: Path) -> bool:
    """Whether sub-folders are named by synsets and hold models."""
    synsets = [p for p in root.iterdir() if p.is_dir() and SYNSET.fullmatch(p.name)]
    return any(_models(synset) for synset in synsets)


def scan(root: Path, options: Options) -> Found:
    """Rows for all models of all synsets."""
    found = Found(TITLE, root)
    source = source_name(root, options, NAME)
    names = read_taxonomy(root)
    names |= {synset: f"{ours},{names.get(synset, '')}" for synset, ours in CORE.items()}
    splits, finer = _splits(root)
    synsets = sorted(p for p in root.iterdir() if p.is_dir() and SYNSET.fullmatch(p.name))
    for synset in synsets:
        if synset.name not in names:
            found.skip(synset, f"synset {synset.name} is unknown; put ShapeNet's taxonomy.json beside it")
            continue
        label, *synonyms = split_names(names[synset.name])
        for folder, path in _models(synset):
            key = (synset.name, folder)
            kind = split_names(names.get(finer.get(key, ""), ""))
            found.add(f"{slug(source)}_{synset.name}_{slug(folder)}", path, label, source=source,
                      split=splits.get(key), license=options.license or LICENSE, tags=[synset.name],
                      name=kind[0] if kind else None, images=_images(path))
        if label in found.labels and synonyms:
            found.labels[label].setdefault("synonyms", synonyms)
        if label not in found.labels:
            found.skip(synset, "no model.obj or models/model_normalized.obj in its folders")
    paths = [row["path"] for row in found.objects]
    version = "v2" if any("model_normalized" in path for path in paths) else "v1"
    found.detail = f"{version}, {len(synsets)} synsets, {'with' if splits else 'without'} official splits"
    return found


def split_names(names: str) -> list[str]:
    """`airplane,aeroplane,plane` → its names, blanks and doubles removed."""
    return list(dict.fromkeys(" ".join(n.replace("_", " ").split()) for n in names.split(",") if n.strip()))


def read_taxonomy(root: Path) -> dict[str, str]:
    """Synset id → names, from taxonomy.json (flat or nested) where there is one; no entry without a name."""
    path = first_of(root, ("taxonomy.json", "shapenet_taxonomy.json"))
    if path is None:
        return {}
    names: dict[str, str] = {}
    stack = [open_json(path)]
    while stack:
        entry = stack.pop()
        if isinstance(entry, list):
            stack.extend(entry)
        elif isinstance(entry, dict):
            about = {**entry.get("metadata", {}), **entry} if isinstance(entry.get("metadata", {}), dict) else entry
            synset, name = about.get("synsetId", about.get("name")), about.get("label") or about.get("name")
            if isinstance(synset, str) and isinstance(name, str) and SYNSET.fullmatch(synset):
                names.setdefault(synset, name)
            stack.extend(v for v in entry.values() if isinstance(v, (list, dict)))
    return names


def _models(synset: Path) -> list[tuple[str, Path]]:
    """(model id, file) of a synset's models."""
    models = []
    for entry in sorted(synset.iterdir()):
        if entry.is_dir():
            path = first_of(entry, MODEL_FILES)
            if path is not None:
                models.append((entry.name, path.absolute()))
        elif entry.suffix.lower() in (".glb", ".obj", ".ply", ".npy"):
            models.append((entry.stem, entry.absolute()))
    return models


def _images(path: Path) -> list[str]:
    model = path.parent.parent if path.parent.name == "models" else path.parent
    return pictures_in(model / "screenshots")


def _splits(root: Path) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """(synset, model) → split, and → finer synset, from the CSV files at the root."""
    splits, finer = {}, {}
    for path in sorted(root.glob("*.csv")):
        for row in tables.read_csv(path):
            synset, model = row.get("synsetid", "").zfill(8), row.get("modelid")
            if not model:
                continue
            if (split := SPLIT_NAMES.get(row.get("split", "").lower())) is not None:
                splits[synset, model] = split
            if row.get("subsynsetid"):
                finer[synset, model] = row["subsynsetid"].zfill(8)
    return splits, finer
