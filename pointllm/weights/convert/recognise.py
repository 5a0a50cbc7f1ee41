"""What a file or folder is, told by its keys and never by its name.

Gives the kind and the opened tables; what becomes of them is planned elsewhere. A folder is a LLaMA in Meta's layout,
one in the Hugging Face layout, the folder above one of them, or holds published files to be looked at one by one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pointllm.errors import WeightsError
from pointllm.weights.convert.tables import Table, open_table

SUFFIXES = (".pth", ".pt", ".bin", ".safetensors", ".index")  # only to leave out what else lies in a folder

EXPECTED = {
    "imagebind": "imagebind_huge.pth",
    "imagebind_w3d": "imagebind_w3D.pth",
    "point_bind": "pointbind_i2pmae.pt or pointbind_pointbert.pt",
    "adapter": "an adapter file of ImageBind-LLM or Point-LLM (7B.pth, 7B-beta.pth)",
    "meta_llama": "a LLaMA in Meta's layout (params.json, consolidated.*.pth)",
    "hf_llama": "a LLaMA in the Hugging Face layout (config.json, *.safetensors or pytorch_model*.bin)",
    "knn_index": "knn.index, a faiss index",
}


@dataclass(frozen=True)
class Found:
    """A recognised input. `path`: the file, or the folder of a LLaMA. `tables`: one a file, in the files' order."""

    kind: str
    path: Path
    tables: tuple[Table, ...]

    @property
    def table(self) -> Table:
        """The only table of a file."""
        return self.tables[0]


def recognise(path: Path) -> list[Found]:
    """What is to be converted at `path`. WeightsError, in one line, when it is nothing published."""
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            return _folder(path)
        if path.is_file():
            return [_file(path)]
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror or error})") from error
    raise WeightsError(f"{path}: no such file or folder")


def _folder(folder: Path) -> list[Found]:
    if found := _llama(folder):
        return [found]
    below = [found for child in sorted(folder.iterdir()) if child.is_dir() and (found := _llama(child, look=False))]
    if len(below) > 1:
        names = ", ".join(found.path.name for found in below)
        raise WeightsError(f"{folder}: holds several language models ({names}); name one of these folders")
    if below:
        return [_llama(below[0].path)]
    files = [child for child in sorted(folder.iterdir()) if child.is_file() and child.suffix.lower() in SUFFIXES]
    if not files:
        raise WeightsError(f"{folder}: nothing to convert; expected {EXPECTED['meta_llama']}, "
                           f"{EXPECTED['hf_llama']}, or published files ({', '.join(SUFFIXES)})")
    return [_file(file) for file in files]


def _llama(folder: Path, look: bool = True) -> Found | None:
    """The LLaMA in a folder, or None. `look` False: don't open its files."""
    shards = sorted(folder.glob("consolidated.*.pth"))
    if shards or (folder / "params.json").is_file():
        if not shards:
            raise WeightsError(f"{folder}: params.json without consolidated.*.pth; expected {EXPECTED['meta_llama']}")
        return _opened("meta_llama", folder, shards) if look else Found("meta_llama", folder, ())
    files = _hugging_face_files(folder)
    if files:
        return _opened("hf_llama", folder, files) if look else Found("hf_llama", folder, ())
    return None


def _hugging_face_files(folder: Path) -> list[Path]:
    """The files of tensors of a folder in the Hugging Face layout; safetensors are preferred to pickles."""
    if not (folder / "config.json").is_file():
        return []
    for index, pattern in (("model.safetensors.index.json", "model*.safetensors"),
                           ("pytorch_model.bin.index.json", "pytorch_model*.bin")):
        if (folder / index).is_file():
            try:
                content = json.loads((folder / index).read_text(encoding="utf-8"))
                names = sorted({str(name) for name in content["weight_map"].values()})
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise WeightsError(f"{folder / index}: not an index of tensors; fetch it again") from error
            if any(Path(name).name != name for name in names):
                raise WeightsError(f"{folder / index}: names files outside its folder; not followed")
            for name in names:
                if not (folder / name).is_file():
                    raise WeightsError(f"{folder / name}: missing, but listed in {index}; fetch it")
            return [folder / name for name in names]
        if files := sorted(folder.glob(pattern)):
            return files
    return []


def _file(file: Path) -> Found:
    with file.open("rb") as stream:
        start = stream.read(4)
    if start[:1] == b"I" and start[1:].isascii() and start.isalnum() and len(start) == 4:
        return Found("knn_index", file, (Table(file, {}, None),))  # faiss: Ix.., IH.., Iw..
    table = open_table(file)
    kind = kind_of(table)
    if kind in ("meta_llama", "hf_llama"):
        found = _llama(file.parent)
        if not found or found.kind != kind:
            needed = "params.json" if kind == "meta_llama" else "config.json"
            raise WeightsError(f"{file.name}: a part of a language model without {needed} beside it; expected "
                               f"{EXPECTED[kind]}: give the whole folder")
        return found
    table.expected = EXPECTED[kind]
    return Found(kind, file, (table,))


def _opened(kind: str, folder: Path, files: list[Path]) -> Found:
    tables = []
    for file in files:
        table = open_table(file)
        if (own := kind_of(table)) != kind:
            raise WeightsError(f"{file.name}: looks like {EXPECTED[own]} in a folder of {EXPECTED[kind]}; take it away")
        table.expected = EXPECTED[kind]
        tables.append(table)
    return Found(kind, folder, tuple(tables))


def kind_of(table: Table) -> str:
    """The kind of a table by its keys. WeightsError names a few of the keys when they are nobody's."""
    if "image_bind_proj.weight" in table or any(key.startswith("image_bind_f1_") for key in table):
        return "adapter"
    if any(key.startswith(("point_trunk.", "modality_heads.point.")) for key in table):
        return "imagebind_w3d"
    if "pc_projection" in table or any(key.startswith("point_encoder.") for key in table):
        return "point_bind"
    if any(key.startswith("modality_trunks.") for key in table):
        return "imagebind"
    if any(key.startswith(("tok_embeddings.", "layers.")) for key in table):
        return "meta_llama"
    if any(key.startswith(("model.layers.", "model.embed_tokens.", "lm_head.")) for key in table):
        return "hf_llama"
    some = ", ".join(sorted(table)[:3])
    known = ", ".join(name.split(" (")[0] for name in EXPECTED.values())
    raise WeightsError(f"{table.file.name}: keys such as {some} belong to none of the published files ({known})")
