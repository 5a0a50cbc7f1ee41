"""Files that are no checkpoints, or want to be more than that: one line each, nothing executed, nothing left."""

import io
import json
import os
import pickle
import struct
import zipfile

import pytest
import torch
from published_files import POINT_SIZES, point_bind

from pointllm.errors import WeightsError
from pointllm.weights.convert import convert


class Malice:
    """What happens when it is unpickled can be seen in the folder."""

    def __init__(self, call=os.mkdir, arguments=("executed",)):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


pytestmark = pytest.mark.filterwarnings("ignore")  # torch's, about the odd tensors and pickles made here


def refused(file, out, says="."):
    with pytest.raises(WeightsError, match=says) as caught:
        convert(file, out, sizes=POINT_SIZES["i2p_mae"])
    message = str(caught.value)
    assert "\n" not in message and file.name in message and len(message) < 500
    assert not list(out.rglob("config.json"))
    return message


def saved(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


@pytest.mark.parametrize("malice", [Malice(), Malice(os.system, ("mkdir executed",)), Malice(eval, ("1",)),
                                    Malice(exec, ("open('executed', 'w')",))], ids=["mkdir", "system", "eval", "exec"])
@pytest.mark.parametrize("write", [saved, lambda c: saved(c, _use_new_zipfile_serialization=False), pickle.dumps],
                         ids=["zip", "old", "pickle"])
@pytest.mark.parametrize("place", ["beside", "wrapper"])
def test_nothing_in_a_pickle_is_executed(tmp_path, monkeypatch, malice, write, place):
    monkeypatch.chdir(tmp_path)
    tensors = point_bind()
    content = {**tensors, "pc_projection": malice} if place == "beside" else {"model": tensors, "args": malice}
    (tmp_path / "pointbind.pt").write_bytes(write(content))
    assert "more than tensors" in refused(tmp_path / "pointbind.pt", tmp_path / "out")
    assert not (tmp_path / "executed").exists()


def test_a_compressed_archive_is_not_unpacked(tmp_path):
    whole = zipfile.ZipFile(io.BytesIO(saved(point_bind())))
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for entry in whole.infolist():
            bomb.writestr(entry.filename, whole.read(entry))
        bomb.writestr("archive/data/999", bytes(50_000_000))
    refused(tmp_path / "bomb.pt", tmp_path / "out", "is compressed")


def test_parts_that_overlap_are_not_read(tmp_path):
    data = bytearray(saved(point_bind()))
    # the central directory says that a small part is as long as the file
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<LL", data, at + 20, len(data), len(data))
    (tmp_path / "overlap.pt").write_bytes(data)
    refused(tmp_path / "overlap.pt", tmp_path / "out", "overlap|damaged")


def test_a_tensor_that_claims_more_than_the_file_has_is_not_made(tmp_path):
    state = point_bind()
    state["pc_projection"] = torch.zeros(1).expand(1 << 20, 1 << 20)  # 4 TB of the same zero
    (tmp_path / "wide.pt").write_bytes(saved(state))
    refused(tmp_path / "wide.pt", tmp_path / "out", "pc_projection .*claims more numbers than the file has")


def test_a_pickle_that_asks_for_all_memory_is_told(tmp_path):
    (tmp_path / "greedy.pt").write_bytes(saved({"x": Malice(bytearray, (1 << 60,))}))
    refused(tmp_path / "greedy.pt", tmp_path / "out")


@pytest.mark.parametrize("value", [torch.ones(3, 3).to_sparse(), torch.ones(2, device="meta"),
                                   torch.ones(2, dtype=torch.complex64)], ids=["sparse", "meta", "complex"])
def test_unusual_tensors_are_refused(tmp_path, value):
    (tmp_path / "odd.pt").write_bytes(saved(point_bind() | {"pc_projection": value}))
    refused(tmp_path / "odd.pt", tmp_path / "out")


@pytest.mark.parametrize("content", [
    b"", b"PK", b"PK\x03\x04", b"\x80\x02", b"\x80\x04.", b"nonsense" * 100, b"version https://git-lfs.github.com/spec/v1",
    b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>", pickle.dumps([1, 2]), pickle.dumps({}),
    saved([torch.ones(2)]), saved({"a": 1}), saved({1: torch.ones(2)}), saved({"weight": torch.ones(2)}),
    saved(torch.ones(2)), bytes(range(256)) * 10,
], ids=range(16))
def test_what_is_no_checkpoint_is_told(tmp_path, content):
    (tmp_path / "file.pt").write_bytes(content)
    refused(tmp_path / "file.pt", tmp_path / "out")


def header(content, length=None, data=b""):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


@pytest.mark.parametrize("content", [
    header({}, length=1 << 62), header({}, length=99_999_999), header(b"{" * 1000), header(b'{"a": 1}'), header({}),
    header({"pc_projection": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}),
    header({"pc_projection": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, data=bytes(8)),
    header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, data=bytes(12)),
    header({"pc_projection": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, data=bytes(8)),
    header({"pc_projection": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}}, data=bytes(8)),
    header({"pc_projection": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, data=bytes(4)),
], ids=range(11))
def test_safetensors_with_absurd_headers_are_told(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    refused(tmp_path / "model.safetensors", tmp_path / "out")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_files_that_are_cut_short_are_told(tmp_path, share):
    from safetensors.torch import save_file

    (tmp_path / "a.pt").write_bytes(saved(point_bind()))
    (tmp_path / "b.pt").write_bytes(saved(point_bind(), _use_new_zipfile_serialization=False))
    save_file(point_bind(), tmp_path / "c.safetensors")
    for name in ("a.pt", "b.pt", "c.safetensors"):
        file = tmp_path / name
        file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
        refused(file, tmp_path / "out")


def test_old_pickles_that_end_anywhere_in_their_index_are_told(tmp_path):
    whole = saved(point_bind(), _use_new_zipfile_serialization=False)
    for length in (*range(16, 1500, 23), *range(len(whole) - 200, len(whole), 17)):  # some end inside a number
        (tmp_path / "cut.pt").write_bytes(whole[:length])
        refused(tmp_path / "cut.pt", tmp_path / "out")


def test_what_is_not_there_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    for path, says in ((tmp_path / "absent.pth", "no such file or folder"), (tmp_path / "empty", "nothing to convert")):
        with pytest.raises(WeightsError, match=says):
            convert(path, tmp_path / "out")
