"""What the joint space is used for besides answers, for programs: recognise, search, embed, make, measure. Plain JSON.

One place for the endpoints and the tools of assistants. Names of files in results are their own, never their place on
the server; labels are words or uploads, never paths that somebody wrote. Every call of the model waits in line with
those of the page (`pages.work`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .engine import Engine
from .language import DEFAULT
from .pages.galleries import Own, ServerGallery, own_gallery
from .pages.work import Job, Tower
from .uploads import explain, scratch

DECIMALS = 6
MOST_LABELS = 1000  # a quarter of a minute of one core where none was embedded before
MOST_FILES = 64
MOST_SHAPES = 16  # drawn for one call


class Space:
    """The tasks, over one engine. All wait for the model, and raise the library's errors."""

    def __init__(self, engine: Engine, gallery: ServerGallery | None = None) -> None:
        """gallery: what is searched where a caller sends none; the samples if None."""
        self.engine, self.gallery = engine, gallery or ServerGallery()
        self._generator: tuple[object, object] | None = None  # and the joint space that it draws for

    def _tower(self) -> Tower:
        return Tower(self.engine, Job())

    def classify(self, paths: Sequence[str], labels: Sequence[str], *, label_files: Sequence[str] = (), top: int = 5,
                 none: bool = False, witness: str | None = None) -> list[dict]:
        """For each file {"input", "top": [{"label", "score"}…]}, or {"input", "error"}; scores over all labels are 1.

        labels: words, English or Chinese; label_files: uploads that show or sound like a label, named as they are.
        none: adds "none": whether no label fits, and "none_margin", how clearly. InputError where no label can be used.
        """
        from pointllm.errors import InputError
        from pointllm.tasks.labels import Label, Labels, read_templates, word_labels
        from pointllm.tasks.recognition import Recogniser

        _enough(paths, "file to recognise")
        if len(labels) + len(label_files) > MOST_LABELS:
            raise InputError(f"{len(labels) + len(label_files)} labels are too many; give up to {MOST_LABELS}")
        found = word_labels(labels) if labels or not label_files else Labels()
        if found.errors:
            raise InputError(found.errors[0])
        shown = [Label(Path(file).stem.replace("_", " "), "", (file,)) for file in label_files]
        tower = self._tower()
        recognise = Recogniser(tower, tower.profile, [*found.labels, *shown],
                               templates=read_templates("auto", len(found.labels)), none=none)
        if recognise.errors:
            raise InputError(recognise.errors[0])

        def one(path: str) -> dict:
            given = tower.embed_file(path, witness)
            result = recognise(given.vector, given.modality, max(1, int(top)))
            row: dict = {"top": [{"label": p.label, "score": round(p.score, DECIMALS)} for p in result.top]}
            return row | ({"none": result.none, "none_margin": round(result.none_margin, 4)} if none else {})

        return each(paths, one)

    def embed(self, paths: Sequence[str], text: Sequence[str] = (), witness: str | None = None) -> list[dict]:
        """For each file and sentence {"input", "modality", "embedding": D numbers, unit norm}; or {"input", "error"}.
        """
        _enough([*paths, *text], "file or text to embed")
        tower = self._tower()

        def one(path: str) -> dict:
            given = tower.embed_file(path, witness)
            return {"modality": given.modality, "embedding": _plain(given.vector)}

        return each(paths, one) + [{"input": sentence, "modality": "text", "embedding": _plain(vector)}
                                   for sentence, vector in zip(text, tower.embed_text(list(text)), strict=True)]

    def search(self, paths: Sequence[str] = (), *, text: Sequence[str] = (), minus: Sequence[str] = (),
               minus_text: Sequence[str] = (), weights: Sequence[float] | None = None, among: Sequence[str] = (),
               modalities: Sequence[str] | None = None, top: int = 10, witness: str | None = None) -> dict:
        """The files that fit best what is added and subtracted; of the uploads `among`, or of the server's gallery.

        Gives {"inputs": [{"input", "modality", "weight"}…], "searched", "top": [{"name", "modality", "score",
        "shares"}…], "errors": a line for each file of `among` that can't be used}.
        """
        from pointllm.errors import InputError
        from pointllm.tasks.gallery.from_profile import Searcher

        given = [*paths, *text, *minus, *minus_text]
        _enough(given, "input to search by")
        tower = self._tower()
        query = Searcher(tower.profile, witness=witness, bind=tower).query(
            list(paths), text=list(text), minus=list(minus), minus_text=list(minus_text), weights=weights)
        if among:
            _enough(among, "file to search among")
            gallery, errors = own_gallery(tower, Own(), among, DEFAULT)
        else:
            gallery, errors = self.gallery.open(tower), []
        try:
            hits = gallery.search(query, max(1, int(top)), list(modalities) if modalities else None)
        except InputError as error:  # names the gallery's folder
            raise InputError(str(error).replace(f"{gallery.root}: ", "")) from error
        names = [*map(_name, paths), *text, *map(_name, minus), *minus_text]
        return {
            "inputs": [{"input": name, "modality": term.modality, "weight": term.weight}
                       for name, term in zip(names, query.terms, strict=True)],
            "searched": len(gallery),
            "top": [{"name": _name(hit.path) if among else self.gallery.name(hit.path), "modality": hit.modality,
                     "score": round(hit.score, DECIMALS),
                     "shares": [round(share, DECIMALS) for share in hit.shares]} for hit in hits],
            "errors": errors,
        }

    def generate(self, paths: Sequence[str] = (), text: Sequence[str] = (), *, weights: Sequence[float] | None = None,
                 samples: int = 1, seed: int = 0, guidance: float | None = None, best_of: int | None = None,
                 witness: str | None = None) -> list[dict]:
        """New 3D shapes from a mix of files and sentences: {"path": a .glb, "seed", "vertices", "faces", "score"} each.

        The paths are this process's own, for the caller to hand on. See `ShapeGenerator.generate` for the options.
        WeightsError where the profile has no generator.
        """
        from pointllm.errors import InputError
        from pointllm.profiles import resolve
        from pointllm.tasks.arithmetic import combine
        from pointllm.tasks.generation import ShapeGenerator

        _enough([*paths, *text], "file or text to make a shape of")
        if not 1 <= samples * (best_of or 1) <= MOST_SHAPES:
            raise InputError(f"{samples} shapes of {best_of or 1} tries each are too many; up to {MOST_SHAPES} are "
                             "drawn")
        tower = self._tower()
        vectors = [tower.embed_file(path, witness).vector for path in paths] + list(tower.embed_text(list(text)))
        asked = combine(np.stack(vectors), weights)
        folder = resolve(tower.profile)

        def draw(bind: object) -> list:
            if self._generator is None or self._generator[0] is not bind:
                self._generator = (bind, ShapeGenerator.from_folder(folder, bind))
            generator = self._generator[1]
            tries = min(generator.settings["best_of"], MOST_SHAPES // samples) if best_of is None else best_of
            return generator.generate(asked, samples, seed, guidance, tries)

        home = scratch() / secrets.token_hex(16)
        home.mkdir()
        rows = []
        for number, shape in enumerate(self.engine.with_space(draw), start=1):
            path = shape.write(home / (f"shape-{number}.glb" if samples > 1 else "shape.glb"))
            rows.append({"path": str(path), "seed": shape.seed, "vertices": len(shape.mesh.vertices),
                         "faces": len(shape.mesh.faces),
                         "score": None if shape.score is None else round(shape.score, 4)})
        return rows

    def describe(self, path: str) -> dict:
        """Measured facts of one file: {"input", "modality", …}; see `pointllm.inputs.facts` for those of 3D files.

        Needs no model. InputError where the file can't be read.
        """
        look = self.engine.look(path).result()
        facts = dict(look.facts)
        if "kind" in facts:
            facts = {"format": facts.pop("kind")[1], **facts}
        return {"input": look.name, "modality": look.modality, **facts}


def each(paths: Sequence[str], do: Callable[[str], dict]) -> list[dict]:
    """`do` for every file, with its name as "input"; one that can't be used gives its error, and the others go on."""
    from pointllm.errors import InputError

    rows = []
    for path in paths:
        try:
            rows.append({"input": _name(path), **do(path)})
        except (InputError, MemoryError, FileNotFoundError) as error:
            rows.append({"input": _name(path), "error": explain(error, [path], DEFAULT)})
    return rows


def _enough(given: Sequence[str], what: str) -> None:
    from pointllm.errors import InputError

    if not given:
        raise InputError(f"no {what}; give one or more")
    if len(given) > MOST_FILES:
        raise InputError(f"{len(given)} inputs are too many at once; give up to {MOST_FILES}")


def _name(path: str | Path) -> str:
    return Path(path).name


def _plain(vector) -> list[float]:
    return [round(float(number), 7) for number in vector]
