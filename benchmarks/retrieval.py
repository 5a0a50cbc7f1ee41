"""How well things are found in the joint space: by text, pictures and sounds, composed, mixed, and among many.

    python benchmarks/retrieval.py --data FOLDER [--split val] [--every 1] [--compose] [--entries 100000]
        [--profile embedded] [--heads RUN/folds] [--vectors FILE.npz] --out benchmarks/results/retrieval.json

FOLDER holds objects.jsonl, labels.json and audio.jsonl. Measured are

- to_3d: text, pictures (a rendered view of another object of the label) and sounds against the objects of the split;
- mixed: one gallery of objects, pictures, sounds and labels, and what kinds the first ten results are of;
- sound_referred: objects of labels that sound, recognised by recordings instead of words;
- composed (--compose): two inputs added. Right: among the first ten results there is an object of the one's label and
  one of the other's, not counting an object that was asked with. Baseline: either input alone, by the same rule;
- scale (--entries N): an index of N synthetic vectors: time to write, open and search, memory, recall of its search;
  in seconds of the clock and of the processor, which differ on a busy machine.

Everything is given twice, by plain cosines and with the profile's calibration. What is calibrated was fitted to the
`val` split too: a centre and a few numbers for each modality. --heads embeds each sound by a head that did not hear it
(`pointllm train audio` leaves them); without it by the profile's own. --vectors keeps what was embedded, for another
run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pointllm import PointBind
from pointllm.data.records import read_labels, read_records, read_sounds
from pointllm.data.templates import QUICK_TEMPLATES, with_article
from pointllm.evaluation.hearing import Hearing
from pointllm.evaluation.metrics import chance_map, retrieval
from pointllm.tasks.arithmetic import Query, Term
from pointllm.tasks.calibrate import Sample, embed_data
from pointllm.tasks.calibration import Calibration
from pointllm.tasks.fingerprint import fingerprint
from pointllm.tasks.gallery import Gallery, Identity
from pointllm.tasks.gallery.search import FLAT_NUMBERS
from pointllm.tasks.gallery.store import Entry, Store
from pointllm.tasks.label_cache import LabelCache
from pointllm.tasks.labels import word_vectors

TOP = 10  # results that are looked at for composed queries
PAIRS = 300  # of labels, drawn for each kind of composed query
KINDS = ("point", "image", "audio", "text")


def ways(calibration: Calibration) -> dict[str, Calibration]:
    """The ways of comparing that are measured."""
    return {"cosine": Calibration(), "calibrated": calibration}


def scores(way: Calibration, sample: Sample, kind: str, gallery: Sample, gallery_kind: str) -> np.ndarray:
    """(Q, G) scores of single inputs, as `pointllm retrieve` gives them."""
    entries = way.centred(gallery.vectors, gallery_kind)
    queries = [Query([Term("", kind, vector)], way).vector(gallery_kind) for vector in sample.vectors]
    return np.stack(queries) @ entries.T


def same(a: Sample, b: Sample) -> np.ndarray:
    """(A, B) bool: whether labels agree."""
    return np.array(a.labels)[:, None] == np.array(b.labels)[None]


def rounded(result) -> dict[str, float]:
    """A `Retrieval` as numbers."""
    return {"mAP": round(result.map, 1), **{f"R@{k}": round(v, 1) for k, v in result.recall.items()},
            "queries": result.queries}


def to_3d(samples: dict[str, Sample], calibration: Calibration) -> dict:
    """Text, pictures and sounds → objects."""
    objects, report = samples["point"], {}
    for kind in ("text", "image", "audio", "point"):
        if kind not in samples:
            continue
        relevant = same(samples[kind], objects)
        itself = np.eye(len(relevant), dtype=bool) if kind in ("image", "point") else np.zeros_like(relevant)
        relevant = relevant & ~itself
        report[kind] = {name: rounded(retrieval(scores(way, samples[kind], kind, objects, "point"), relevant, ~itself))
                        for name, way in ways(calibration).items()}
        report[kind]["chance mAP"] = round(chance_map(relevant, ~itself), 1)
    return report


def mixed(samples: dict[str, Sample], calibration: Calibration) -> dict:
    """One gallery of everything: how well each kind of query does, and what kinds its first ten results are of."""
    kinds = [kind for kind in KINDS if kind in samples]
    owner = np.concatenate([np.repeat(kind, len(samples[kind].labels)) for kind in kinds])
    report: dict = {"gallery": {kind: round(float(np.mean(owner == kind)), 2) for kind in kinds}}
    for kind in kinds:
        relevant = np.concatenate([same(samples[kind], samples[other]) for other in kinds], axis=1)
        count = len(samples[kind].labels)
        itself = np.zeros_like(relevant)
        twins = {"point", "image"} if kind in ("point", "image") else {kind}  # a view is of the object in its row
        for other in twins & set(kinds):
            itself[np.arange(count), np.flatnonzero(owner == other)[:count]] = True
        report[kind] = {}
        for name, way in ways(calibration).items():
            found = np.concatenate([scores(way, samples[kind], kind, samples[o], o) for o in kinds], axis=1)
            first = owner[np.argsort(np.where(itself, -np.inf, found), axis=1)[:, ::-1][:, :TOP]]
            report[kind][name] = rounded(retrieval(found, relevant & ~itself, ~itself)) | {
                "first ten": {other: round(float(np.mean(first == other)), 2) for other in kinds}}
    return report


def sound_referred(objects: Sample, sounds: Sample, calibration: Calibration) -> dict:
    """Objects of labels that sound, recognised among these by the mean of the label's recordings."""
    labels = sorted(set(sounds.labels))
    rows = np.flatnonzero([label in labels for label in objects.labels])
    if not len(rows):
        return {"objects": 0}
    wanted = np.array([labels.index(objects.labels[row]) for row in rows])
    report: dict = {"objects": len(rows), "labels": labels}
    for name, way in ways(calibration).items():
        clips, which = way.centred(sounds.vectors, "audio"), np.array(sounds.labels)
        references = np.stack([clips[which == label].mean(axis=0) for label in labels])
        references /= np.linalg.norm(references, axis=1, keepdims=True)
        got = (way.centred(objects.vectors[rows], "point") @ references.T).argmax(axis=1)
        report[name] = round(100 * float(np.mean(got == wanted)), 1)
        report[f"{name} by label"] = {
            labels[i]: f"{int(np.sum(got[wanted == i] == i))} of {int(np.sum(wanted == i))}" for i in set(wanted)}
    return report


def composed(samples: dict[str, Sample], calibration: Calibration, seed: int = 0) -> dict:
    """Pairs of inputs of different labels, added, against objects."""
    rng, objects = np.random.default_rng(seed), samples["point"]
    have = np.array(objects.labels)
    several = {label for label in have if np.sum(have == label) > 1}
    report: dict = {"rule": f"both labels among the first {TOP}", "objects": len(have)}
    for one, other in (("text", "text"), ("point", "text"), ("image", "text"), ("point", "audio"), ("text", "audio")):
        if other not in samples:
            continue
        pool = [[row for row, label in enumerate(samples[kind].labels)
                 if label in (several if kind in ("point", "image") else set(have))] for kind in (one, other)]
        if not all(pool):
            continue
        hits: dict[str, list] = {}
        for _ in range(20 * PAIRS):
            a, b = rng.choice(pool[0]), rng.choice(pool[1])
            wanted = samples[one].labels[a], samples[other].labels[b]
            if wanted[0] == wanted[1]:
                continue
            out = a if one in ("point", "image") else -1  # the object that was asked with
            terms = [Term("one", one, samples[one].vectors[a]), Term("other", other, samples[other].vectors[b])]
            for name, way in ways(calibration).items():
                entries = way.centred(objects.vectors, "point")
                for what, query in (("both", terms), ("first alone", terms[:1]), ("second alone", terms[1:])):
                    found = entries @ Query(query, way).vector("point")
                    first = [row for row in np.argsort(-found)[: TOP + 1] if row != out][:TOP]
                    hits.setdefault(f"{name}: {what}", []).append(set(wanted) <= set(have[first]))
            if len(hits["cosine: both"]) == PAIRS:
                break
        report[f"{one} + {other}"] = {name: round(100 * float(np.mean(found)), 1) for name, found in hits.items()}
        report[f"{one} + {other}"]["pairs"] = len(hits.get("cosine: both", []))
    return report


def scale(count: int, dim: int, centres: np.ndarray) -> dict:
    """An index of `count` vectors scattered around `centres` (C, D), searched through `Gallery`."""
    rng = np.random.default_rng(0)
    identity = Identity("synthetic", "none", dim)
    queries = centres[rng.integers(len(centres), size=50)] + 0.5 * rng.standard_normal((50, dim)) / dim**0.5
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    report: dict = {"entries": count, "dim": dim}
    with tempfile.TemporaryDirectory() as folder:
        start, cpu = time.perf_counter(), time.process_time()
        with Store.create(Path(folder) / "index", identity, folder) as store:
            for first in range(0, count, 10_000):
                size = min(10_000, count - first)
                rows = centres[rng.integers(len(centres), size=size)] + rng.standard_normal((size, dim)) / dim**0.5
                rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
                store.commit((Entry(f"{first + i:07}.ply", "point", 1, 1, ""), row) for i, row in enumerate(rows))
            store.set(complete=1)
        report["write_seconds"] = round(time.perf_counter() - start, 2)
        report["write_cpu_seconds"] = round(time.process_time() - cpu, 2)
        report["megabytes_on_disk"] = round((Path(folder) / "index" / "index.sqlite").stat().st_size / 1e6, 1)
        results = {}
        for exact in (False, True):
            before, start, cpu = memory(), time.perf_counter(), time.process_time()
            gallery = Gallery.open(Path(folder) / "index", identity, exact=exact)
            opened, opened_cpu = time.perf_counter() - start, time.process_time() - cpu
            times, found, cpu = [], [], time.process_time()
            for row in queries:
                query = Query([Term("q", "text", row)])
                start = time.perf_counter()
                found.append({hit.path.name for hit in gallery.search(query, top=10)})
                times.append(time.perf_counter() - start)
            results[exact] = found
            flat = exact or count * dim <= FLAT_NUMBERS
            report["exact" if exact else "as used"] = {
                "kind": "flat" if flat else "cells", "open_seconds": round(opened, 2),
                "open_cpu_seconds": round(opened_cpu, 2),
                "search_cpu_ms": round(1000 * (time.process_time() - cpu) / len(queries), 1),
                "search_ms_median": round(1000 * float(np.median(times)), 1),
                "search_ms_95th": round(1000 * float(np.quantile(times, 0.95)), 1),
                "memory_mb": round(memory() - before, 1)}
            del gallery
        report["recall_at_10"] = round(float(np.mean([len(a & b) / 10 for a, b in
                                                      zip(results[False], results[True], strict=True)])), 3)
    return report


def memory() -> float:
    """Memory in use by this process, MB (its peak where the system doesn't tell)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def embedded(args: argparse.Namespace, bind: PointBind) -> dict[str, Sample]:
    """The data as samples by modality, from --vectors where they are; labels as `text`, said as people ask."""
    if args.vectors and args.vectors.is_file():
        with np.load(args.vectors) as kept:
            return {kind: Sample(kept[kind], tuple(map(str, kept[f"{kind}_labels"])))
                    for kind in kept.files if not kind.endswith("_labels")}

    def step(done: int, whole: int) -> None:
        if done % 25 == 0:
            print(f"{done} of {whole} embedded", file=sys.stderr, flush=True)

    samples = embed_data(bind, args.data, args.split, args.every, sounds=not args.heads, step=step)
    if args.heads:
        clips = [clip for clip in read_sounds(args.data) if clip.object_label][:: args.every]
        heard = np.stack([embed() for _, embed in Hearing(bind, args.heads).items(clips)])
        samples["audio"] = Sample(heard, tuple(clip.object_label for clip in clips))
    asked = sorted({label for label in samples["point"].labels})
    samples["text"] = Sample(bind.embed_text([with_article(label) for label in asked]), tuple(asked))
    if args.vectors:
        np.savez(args.vectors, **{kind: s.vectors for kind, s in samples.items()},
                 **{f"{kind}_labels": np.array(s.labels) for kind, s in samples.items()})
    return samples


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--every", type=int, default=1, help="take every n-th object and sound")
    parser.add_argument("--compose", action="store_true", help="also composed queries")
    parser.add_argument("--entries", type=int, default=0, help="also an index of so many synthetic vectors")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--heads", type=Path, help="folder of heads by held-out fold, which embed the sounds")
    parser.add_argument("--vectors", type=Path, help="keep what was embedded in this .npz, and use it if it is there")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    bind, calibration = PointBind.from_pretrained(args.profile), Calibration.of(args.profile)
    samples = embedded(args, bind)
    report: dict = {"profile": args.profile, "weights": fingerprint(args.profile), "split": args.split,
                    "every": args.every, "sounds heard by": "heads of held-out folds" if args.heads else "the profile",
                    "counts": {kind: len(s.labels) for kind, s in samples.items()},
                    "objects in split": len(read_records(args.data, args.split)), "cores": os.cpu_count()}

    def section(name: str, found: dict) -> None:
        report[name] = found
        print(name, json.dumps(found), flush=True)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    section("to_3d", to_3d(samples, calibration))
    section("mixed", mixed(samples, calibration))
    if "audio" in samples:
        section("sound_referred", sound_referred(samples["point"], samples["audio"], calibration))
    if args.compose:
        section("composed", composed(samples, calibration))
    if args.entries:
        names = sorted(read_labels(args.data))
        cache = LabelCache(fingerprint(args.profile, "text"), QUICK_TEMPLATES)
        section("scale", scale(args.entries, bind.dim, word_vectors(bind, names, QUICK_TEMPLATES, cache)))


if __name__ == "__main__":
    main()
