"""A data folder of twenty objects of five labels, with sounds: samples and simple meshes, written in a second."""

import json
import shutil
from pathlib import Path

import numpy as np

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
LABELS = {
    "ball": {"synonyms": ["sphere"], "category": "toy", "zh": "球"},
    "box": {"synonyms": ["crate", "cube"], "category": "container", "zh": "箱子"},
    "pipe": {"synonyms": [], "category": "tool", "zh": "管子"},
    "ring": {"synonyms": ["torus"], "category": "decoration", "zh": "戒指"},
    "chair": {"synonyms": ["seat"], "category": "furniture", "zh": "椅子"},
}


def shape(label, rng):
    """A mesh of the label in some proportion and colour."""
    import trimesh

    if label == "ball":
        mesh = trimesh.creation.icosphere(subdivisions=2)
    elif label == "box":
        mesh = trimesh.creation.box(rng.uniform(0.5, 1.5, 3))
    elif label == "pipe":
        mesh = trimesh.creation.cylinder(radius=0.1, height=rng.uniform(1, 3))
    elif label == "ring":
        mesh = trimesh.creation.torus(major_radius=1, minor_radius=rng.uniform(0.1, 0.3), major_sections=24,
                                      minor_sections=12)
    else:
        seat = trimesh.creation.box((1, 0.1, 1))
        back = trimesh.creation.box((1, rng.uniform(0.8, 1.4), 0.1))
        back.apply_translation((0, 0.6, -0.45))
        legs = [trimesh.creation.box((0.1, 1, 0.1)) for _ in range(4)]
        for leg, (x, z) in zip(legs, ((-1, -1), (-1, 1), (1, -1), (1, 1)), strict=True):
            leg.apply_translation((0.45 * x, -0.5, 0.45 * z))
        mesh = trimesh.util.concatenate([seat, back, *legs])
    mesh.visual.vertex_colors = np.append(rng.integers(40, 255, 3), 255).astype(np.uint8)
    return mesh


def write_data(folder, objects=20, val=5, captions=True):
    """objects.jsonl, labels.json, audio.jsonl and their files in `folder`; the last `val` objects are held out."""
    folder = Path(folder)
    (folder / "objects").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(objects):
        label = list(LABELS)[number % len(LABELS)]
        path = f"objects/{number:03d}.ply"
        if number == 4:  # a chair of another origin
            path = "objects/chair.ply"
            shutil.copyfile(SAMPLES / "chair.ply", folder / path)
        else:
            shape(label, rng).export(folder / path)
        row = {"id": f"object{number}", "path": path, "label": label, "category": LABELS[label]["category"],
               "split": "val" if number >= objects - val else "train"}
        if captions and number % 2:
            row["captions"] = [f"a {label} that was made for a test"]
        rows.append(row)
    (folder / "objects.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "labels.json").write_text(json.dumps(LABELS, ensure_ascii=False))
    write_sound(folder / "knock.wav")
    sounds = [{"path": "knock.wav", "class": "knock", "fold": 1, "object_label": "box"}]
    (folder / "audio.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sounds))
    return folder


def write_sound(path):
    """Half a second of knocking."""
    import soundfile

    rate = 16000
    time = np.arange(rate // 2) / rate
    soundfile.write(path, (np.sin(2 * np.pi * 220 * time) * np.exp(-20 * (time % 0.1))).astype(np.float32), rate)
