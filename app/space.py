"""What the joint space is used for besides answers, over the loaded model: recognise, search, embed, measure.

One place for the page, the endpoints and the tools of assistants. Names of files in results are their own, never their
place on the server; labels are words or uploads, never paths that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .engine import Engine

if TYPE_CHECKING:
    from pointllm.bind import PointBind
    from pointllm.tasks.gallery import Gallery

DECIMALS = 6
MOST_LABELS = 1000  # a quarter of a minute of one core where none was embedded before
MOST_FILES = 64


class Space:
    """The tasks, over one engine. All wait for the model, and raise the library's errors."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._galleries: dict[tuple[str, str], Gallery] = {}

    def classify(self, paths: Sequence[str], labels: Sequence[str], *, label_files: Sequence[str] = (), top: int = 5,
                 none: bool = False, witness: str | None = None) -> list[dict]:
        """For each file {"input", "top": [{"label", "score"}…]}, or {"input", "error"}; scores over all labels are 1.

        labels: words, English or Chinese; label_files: uploads that show or sound like a label, named as they are.
        none: adds "none": whether no label fits, and "none_margin", how clearly. InputError where no label can be used.
        """
        from pointllm.errors import InputError
        from pointllm.tasks.calibration import Calibration
        from pointllm.tasks.fingerprint import fingerprint
        from pointllm.tasks.label_cache import LabelCache
        from pointllm.tasks.labels import Label, Labels, read_templates, word_labels
        from pointllm.tasks.zero_shot import BARE, NoneOfThese, ZeroShot

        _enough(paths, "file to recognise", MOST_FILES)
        if len(labels) + len(label_files) > MOST_LABELS:
            raise InputError(f"{len(labels) + len(label_files)} labels are too many; give up to {MOST_LABELS}")
        found = word_labels(labels) if labels or not label_files else Labels()
        if found.errors:
            raise InputError(found.errors[0])
        shown = [Label(Path(file).stem.replace("_", " "), "", (file,)) for file in label_files]
        if none and shown:
            raise InputError("whether none of the labels fits can be told of words only; leave the files out of them")

        def job(bind: PointBind) -> list[dict]:
            templates = read_templates("auto", len(found.labels))
            tower = fingerprint(self.engine.profile, "text")
            recognise = ZeroShot(bind, [*found.labels, *shown], templates=templates,
                                 cache=LabelCache(tower, templates), calibration=Calibration.of(self.engine.profile))
            outside = NoneOfThese(bind, recognise, cache=LabelCache(tower, BARE)) if none else None

            def one(path: str) -> dict:
                given = bind.embed_file(path, witness)
                best = recognise(given.vector[None], max(1, int(top)), given.modality)[0]
                row: dict = {"top": [{"label": p.label, "score": round(p.score, DECIMALS)} for p in best]}
                if outside is not None:
                    margin = outside(given.vector[None], given.modality)[0]
                    row |= {"none": margin < 0, "none_margin": round(margin, 4)}
                return row

            return each(paths, one)

        return self.engine.with_space(job)

    def embed(self, paths: Sequence[str], text: Sequence[str] = (), witness: str | None = None) -> list[dict]:
        """For each file and sentence {"input", "modality", "embedding": D numbers, unit norm}; or {"input", "error"}.
        """
        _enough([*paths, *text], "file or text to embed", MOST_FILES)

        def job(bind: PointBind) -> list[dict]:
            def one(path: str) -> dict:
                given = bind.embed_file(path, witness)
                return {"modality": given.modality, "embedding": _plain(given.vector)}

            sentences = bind.embed_text(list(text)) if text else ()
            return each(paths, one) + [{"input": sentence, "modality": "text", "embedding": _plain(vector)}
                                       for sentence, vector in zip(text, sentences, strict=True)]

        return self.engine.with_space(job)

    def rank(self, candidates: Sequence[str], paths: Sequence[str] = (), *, text: Sequence[str] = (),
             minus: Sequence[str] = (), minus_text: Sequence[str] = (), weights: Sequence[float] | None = None,
             top: int = 10, witness: str | None = None) -> dict:
        """Uploads ordered by how well they fit inputs that are added and subtracted: `search` over these files alone.

        Candidates that can't be read stand under "errors" as {"input", "error"}.
        """
        _enough(candidates, "file to search among", MOST_FILES)

        names = _names(paths, text, minus, minus_text)

        def job(bind: PointBind) -> dict:
            query = self._query(bind, paths, text, minus, minus_text, weights, witness)
            hits: list[dict] = []

            def one(path: str) -> dict:
                given = bind.embed_file(path, witness)
                entry = query.calibration.centred(given.vector[None], given.modality)
                return {"modality": given.modality, "shares": query.shares(entry, given.modality)[0].tolist()}

            errors = []
            for row in each(candidates, one):
                if "error" in row:
                    errors.append(row)
                else:
                    hits.append(_hit(row["input"], row["modality"], row["shares"]))
            hits.sort(key=lambda hit: (-hit["score"], hit["name"]))
            return {**_searched(query, names, len(hits)), "top": hits[:max(1, int(top))], "errors": errors}

        return self.engine.with_space(job)

    def search(self, gallery: str | Path, paths: Sequence[str] = (), *, text: Sequence[str] = (),
               minus: Sequence[str] = (), minus_text: Sequence[str] = (), weights: Sequence[float] | None = None,
               top: int = 10, modalities: Sequence[str] | None = None, witness: str | None = None,
               address: Callable[[Path], str] | None = None) -> dict:
        """The files of a folder or index on this server that fit best; both are the server's choice, never a visitor's.

        Gives {"inputs": [{"input", "modality", "weight"}…], "searched", "top": [{"name", "modality", "score",
        "shares"}…], "errors": []}. address: adds "file", where a result can be had, from its path.
        """

        names = _names(paths, text, minus, minus_text)

        def job(bind: PointBind) -> dict:
            query = self._query(bind, paths, text, minus, minus_text, weights, witness)
            found = self._gallery(bind, gallery)
            hits = found.search(query, max(1, int(top)), list(modalities) if modalities else None)
            rows = [_hit(hit.path.name, hit.modality, hit.shares)
                    | ({"file": address(hit.path)} if address is not None else {}) for hit in hits]
            return {**_searched(query, names, len(found)), "top": rows, "errors": []}

        return self.engine.with_space(job)

    def _gallery(self, bind: PointBind, place: str | Path) -> Gallery:
        from pointllm.tasks.gallery.from_profile import Searcher, open_gallery

        key = (self.engine.profile, str(place))
        if key not in self._galleries:
            self._galleries[key] = open_gallery(Searcher(self.engine.profile, bind=bind), place)
        return self._galleries[key]

    def _query(self, bind: PointBind, paths: Sequence[str], text: Sequence[str], minus: Sequence[str],
               minus_text: Sequence[str], weights: Sequence[float] | None, witness: str | None):
        from pointllm.tasks.gallery.from_profile import Searcher

        _enough([*paths, *text, *minus, *minus_text], "input to search by", MOST_FILES)
        searcher = Searcher(self.engine.profile, witness=witness, bind=bind)
        return searcher.query(list(paths), text=list(text), minus=list(minus), minus_text=list(minus_text),
                              weights=weights)

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

    from .language import DEFAULT
    from .uploads import explain

    rows = []
    for path in paths:
        try:
            rows.append({"input": Path(path).name, **do(path)})
        except (InputError, MemoryError, FileNotFoundError) as error:
            rows.append({"input": Path(path).name, "error": explain(error, [path], DEFAULT)})
    return rows


def _enough(given: Sequence[str], what: str, limit: int) -> None:
    from pointllm.errors import InputError

    if not given:
        raise InputError(f"no {what}; give one or more")
    if len(given) > limit:
        raise InputError(f"{len(given)} inputs are too many at once; give up to {limit}")


def _plain(vector) -> list[float]:
    return [round(float(number), 7) for number in vector]


def _hit(name: str, modality: str, shares: Sequence[float]) -> dict:
    return {"name": name, "modality": modality, "score": round(float(sum(shares)), DECIMALS),
            "shares": [round(float(share), DECIMALS) for share in shares]}


def _names(paths: Sequence[str], text: Sequence[str], minus: Sequence[str], minus_text: Sequence[str]) -> list[str]:
    """What to call the terms of a query, in its order."""
    return [*(Path(path).name for path in paths), *text, *(Path(path).name for path in minus), *minus_text]


def _searched(query, names: Sequence[str], count: int) -> dict:
    inputs = [{"input": name, "modality": term.modality, "weight": term.weight}
              for name, term in zip(names, query.terms, strict=True)]
    return {"inputs": inputs, "searched": count}
