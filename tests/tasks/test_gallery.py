"""Indexes of folders: kept up to date, hard to break, and only used with the weights that made them."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from tiny_space import DIM, TinyBind, unit, write_picture

from pointllm.errors import InputError
from pointllm.tasks.arithmetic import Query, Term
from pointllm.tasks.gallery import Gallery, Identity, build_index, search
from pointllm.tasks.gallery.build import COMMIT_FILES
from pointllm.tasks.gallery.store import FILE, Entry, Store

IDENTITY = Identity("tiny", "abc", DIM)
RED = Query([Term("red", "text", unit([1, 0, 0, 0, 0, 0, 0, 0]))])


@pytest.fixture
def folder(tmp_path):
    """red.png, sub/green.png, blue.png, words.txt."""
    root = tmp_path / "files"
    for name, color in (("red.png", "red"), ("sub/green.png", "green"), ("blue.png", "blue")):
        write_picture(root / name, color)
    (root / "words.txt").write_text("something red stands in the garden")
    return root


def index(folder, out, bind=None, **options):
    bind = bind or TinyBind()
    return build_index(lambda: bind, options.pop("identity", IDENTITY), folder, out, **options)


def names(hits, root):
    return [hit.path.relative_to(root).as_posix() for hit in hits]


def test_a_folder_is_indexed_and_searched(folder, tmp_path):
    report = index(folder, tmp_path / "index")
    assert (report.added, report.entries, report.errors) == (4, 4, [])
    hits = Gallery.open(tmp_path / "index", IDENTITY).search(RED, top=2)
    assert set(names(hits, folder)) == {"red.png", "words.txt"}
    assert hits[0].score >= hits[1].score > 0.9


def test_only_new_and_changed_files_are_embedded(folder, tmp_path):
    index(folder, tmp_path / "index")
    bind = TinyBind()
    assert index(folder, tmp_path / "index", bind).unchanged == 4 and bind.embedded == []

    write_picture(folder / "red.png", "gray")
    os.utime(folder / "red.png", ns=(1, 1))
    write_picture(folder / "new.png", (1, 2, 3))
    (folder / "blue.png").unlink()
    report = index(folder, tmp_path / "index", bind)
    assert sorted(Path(path).name for path in bind.embedded) == ["new.png", "red.png"]
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 2)
    assert index(folder, tmp_path / "index", bind).unchanged == 4


def test_a_renamed_or_touched_file_keeps_its_vector(folder, tmp_path):
    index(folder, tmp_path / "index")
    (folder / "red.png").rename(folder / "crimson.png")
    os.utime(folder / "blue.png", ns=(7, 7))
    bind = TinyBind()
    report = index(folder, tmp_path / "index", bind)
    assert bind.embedded == [] and (report.renamed, report.removed) == (1, 0)
    hits = Gallery.open(tmp_path / "index", IDENTITY).search(RED, modalities=["image"])
    assert names(hits, folder)[0] == "crimson.png" and hits[0].thumbnail


def test_copies_of_a_file_that_went_are_one_renamed_and_the_others_new(folder, tmp_path):
    index(folder, tmp_path / "index")
    shutil.copy(folder / "red.png", folder / "a.png")
    shutil.copy(folder / "red.png", folder / "b.png")
    (folder / "red.png").unlink()
    report = index(folder, tmp_path / "index")
    assert (report.renamed, report.added, report.removed, report.entries) == (1, 1, 0, 5)


def test_a_place_that_cannot_be_written_is_one_line(folder, tmp_path, monkeypatch):
    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "commit", full)
    with pytest.raises(InputError, match="disk is full"):
        index(folder, tmp_path / "index")


def test_unreadable_files_are_reported_and_the_others_indexed(folder, tmp_path):
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "empty.ply").write_bytes(b"")
    (folder / "notes.xyzzy").write_bytes(b"of no known kind")
    told = []
    report = index(folder, tmp_path / "index", failed=lambda path, line: told.append((Path(path).name, line)))
    assert report.entries == 4
    assert [name for name, _ in told] == ["broken.png", "empty.ply"] == [path for path, _ in report.errors]
    assert all("\n" not in line and name in line for name, line in told)
    write_picture(folder / "broken.png", "red")
    assert index(folder, tmp_path / "index").errors[0][0] == "empty.ply"


def test_a_file_that_became_unreadable_is_no_longer_found(folder, tmp_path):
    index(folder, tmp_path / "index")
    (folder / "red.png").write_bytes(b"no picture")
    index(folder, tmp_path / "index")
    assert "red.png" not in names(Gallery.open(tmp_path / "index", IDENTITY).search(RED), folder)


def test_an_interrupted_run_keeps_what_it_did(tmp_path):
    for number in range(5):
        write_picture(tmp_path / "files" / f"{number}.png", (10 * number, 50, 50))

    class Interrupted(TinyBind):
        def embed_input(self, item, witness=None):
            if len(self.embedded) == 3:
                raise KeyboardInterrupt
            return super().embed_input(item)

    with pytest.raises(KeyboardInterrupt):
        index(tmp_path / "files", tmp_path / "index", Interrupted())
    gallery = Gallery.open(tmp_path / "index", IDENTITY)
    assert len(gallery) == 3 and not gallery.complete
    bind = TinyBind()
    assert index(tmp_path / "files", tmp_path / "index", bind).entries == 5 and len(bind.embedded) == 2
    assert Gallery.open(tmp_path / "index", IDENTITY).complete


def test_a_killed_run_leaves_an_index_that_can_be_used_and_finished(tmp_path):
    count = 2 * COMMIT_FILES + 5
    for number in range(count):
        write_picture(tmp_path / "files" / f"{number:03}.png", (3 * number, 50, 50))
    script = f"""
        import os, signal
        from tiny_space import TinyBind, DIM
        from pointllm.tasks.gallery import Identity, build_index
        class Killed(TinyBind):
            def embed_input(self, item, witness=None):
                if len(self.embedded) == {2 * COMMIT_FILES + 2}:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().embed_input(item)
        build_index(Killed, Identity("tiny", "abc", DIM), {str(tmp_path / 'files')!r}, {str(tmp_path / 'index')!r})
    """.replace("build_index(Killed", "bind = Killed(); build_index(lambda: bind")
    paths = os.pathsep.join([str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])])
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=os.environ | {"PYTHONPATH": paths})
    assert done.returncode == -signal.SIGKILL
    assert len(Gallery.open(tmp_path / "index", IDENTITY)) >= 2 * COMMIT_FILES
    bind = TinyBind()
    assert index(tmp_path / "files", tmp_path / "index", bind).entries == count
    assert len(bind.embedded) <= count - 2 * COMMIT_FILES


def test_a_moved_folder_still_works(folder, tmp_path):
    index(folder, tmp_path / "index")
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    hits = Gallery.open(tmp_path / "index", IDENTITY, root=moved).search(RED)
    assert all(hit.path.is_file() for hit in hits)
    bind = TinyBind()
    assert index(moved, tmp_path / "index", bind).unchanged == 4 and bind.embedded == []
    assert all(hit.path.is_file() for hit in Gallery.open(tmp_path / "index", IDENTITY).search(RED))


def test_an_index_inside_its_folder_moves_with_it_and_is_not_indexed(folder, tmp_path):
    index(folder, folder / "index")
    assert index(folder, folder / "index").entries == 4
    folder.rename(tmp_path / "elsewhere")
    hits = Gallery.open(tmp_path / "elsewhere" / "index", IDENTITY).search(RED)
    assert len(hits) == 4 and all(hit.path.is_file() for hit in hits)


def test_a_copied_index_is_the_same_index(folder, tmp_path):
    index(folder, tmp_path / "index")
    before = Gallery.open(tmp_path / "index", IDENTITY).search(RED)
    (tmp_path / "far").mkdir()
    shutil.move(shutil.copytree(tmp_path / "index", tmp_path / "copy"), tmp_path / "far" / "copy")
    shutil.rmtree(tmp_path / "index")
    after = Gallery.open(tmp_path / "far" / "copy", IDENTITY).search(RED)
    assert [(hit.path, hit.score) for hit in after] == [(hit.path, hit.score) for hit in before]
    assert all(hit.thumbnail.is_file() for hit in after if hit.modality == "image")


def test_an_index_of_another_profile_or_other_weights_is_refused(folder, tmp_path):
    index(folder, tmp_path / "index")
    for other, said in ((Identity("large", "abd", DIM), "profile 'tiny', asked for 'large'"),
                        (Identity("tiny", "abd", DIM), "other weights of profile 'tiny'")):
        with pytest.raises(InputError, match=said):
            Gallery.open(tmp_path / "index", other)
        with pytest.raises(InputError, match=said):
            index(folder, tmp_path / "index", identity=other)
    assert index(folder, tmp_path / "index", identity=Identity("tiny", "abd", DIM), rebuild=True).added == 4


def test_another_witness_is_not_mixed_in(folder, tmp_path):
    index(folder, tmp_path / "index")
    with pytest.raises(InputError, match="--rebuild"):
        index(folder, tmp_path / "index", identity=Identity("tiny", "abc", DIM, "point"))


def test_another_folder_does_not_replace_an_index_by_mistake(folder, tmp_path):
    index(folder, tmp_path / "index")
    write_picture(tmp_path / "other" / "a.png", "red")
    with pytest.raises(InputError, match="holds an index of"):
        index(tmp_path / "other", tmp_path / "index")
    assert index(tmp_path / "other", tmp_path / "index", rebuild=True).entries == 1


def test_a_folder_of_other_files_is_not_taken_for_an_index(folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("precious")
    with pytest.raises(InputError, match="other files"):
        index(folder, tmp_path / "mine")
    with pytest.raises(InputError, match="is a file"):
        index(folder, tmp_path / "mine" / "diary.txt")
    with pytest.raises(InputError, match="no index"):
        Gallery.open(folder, IDENTITY)


@pytest.mark.parametrize("content", [b"not a database, but long enough to look at" * 40, b""])
def test_a_damaged_index_is_refused_in_one_line(folder, tmp_path, content):
    index(folder, tmp_path / "index")
    (tmp_path / "index" / FILE).write_bytes(content)
    with pytest.raises(InputError, match="damaged|no index of this program"):
        Gallery.open(tmp_path / "index", IDENTITY)


def test_two_processes_do_not_write_one_index(folder, tmp_path):
    from filelock import FileLock

    index(folder, tmp_path / "index")
    with FileLock(tmp_path / "index" / ".lock"), pytest.raises(InputError, match="another process"):
        index(folder, tmp_path / "index")


def test_an_empty_gallery_and_one_without_the_kind_asked_for_are_clear(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert index(tmp_path / "empty", tmp_path / "nothing").entries == 0
    with pytest.raises(InputError, match="the gallery is empty"):
        Gallery.open(tmp_path / "nothing", IDENTITY).search(RED)
    index(folder, tmp_path / "index")
    with pytest.raises(InputError, match="nothing of kind audio; it has image, text"):
        Gallery.open(tmp_path / "index", IDENTITY).search(RED, modalities=["audio"])


def test_thumbnails_are_made_on_wish_and_go_with_their_files(folder, tmp_path):
    index(folder, tmp_path / "bare", thumbnails=False)
    assert not (tmp_path / "bare" / "thumbnails").exists()
    index(folder, tmp_path / "index")
    pictures = tmp_path / "index" / "thumbnails"
    assert len(list(pictures.iterdir())) == 3
    (folder / "red.png").unlink()
    (pictures / ".left.webp.1.part").write_bytes(b"from a killed run")
    index(folder, tmp_path / "index")
    assert len(list(pictures.iterdir())) == 2


def test_hidden_files_and_links_to_nowhere_are_passed_over(folder, tmp_path):
    write_picture(folder / ".hidden.png", "red")
    write_picture(folder / ".git" / "a.png", "red")
    (folder / "dangling.png").symlink_to(folder / "absent.png")
    report = index(folder, tmp_path / "index")
    assert report.entries == 4 and not report.errors


# --- large galleries


@pytest.fixture
def large(tmp_path):
    """An index of 3,000 vectors around 50 centres, and the vectors."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((50, DIM))[np.arange(3000) % 50] + 0.2 * rng.standard_normal((3000, DIM))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    with Store.create(tmp_path / "large", IDENTITY, tmp_path) as store:
        store.commit((Entry(f"{i:05}.png", "image", 1, 1, str(i)), row) for i, row in enumerate(vectors))
        store.set(complete=1)
    return tmp_path / "large", vectors


def test_a_large_gallery_is_searched_in_cells_and_finds_nearly_the_same(large, monkeypatch):
    folder, vectors = large
    query = Query([Term("q", "image", vectors[77])])
    exact = [hit.path for hit in Gallery.open(folder, IDENTITY).search(query, top=20)]
    monkeypatch.setattr(search, "FLAT_NUMBERS", 1000)
    for _ in range(2):  # made, then read from the index's folder
        found = [hit.path for hit in Gallery.open(folder, IDENTITY).search(query, top=20)]
        assert found[0] == exact[0] and len(set(found) & set(exact)) >= 18
        assert (folder / "search-image.faiss").is_file()
    assert [hit.path for hit in Gallery.open(folder, IDENTITY, exact=True).search(query, top=20)] == exact


def test_cells_are_made_anew_when_the_index_changed_or_their_file_is_damaged(large, monkeypatch):
    folder, vectors = large
    monkeypatch.setattr(search, "FLAT_NUMBERS", 1000)
    Gallery.open(folder, IDENTITY)
    with Store.open(folder) as store:
        store.commit(gone=["00077.png"])
    found = Gallery.open(folder, IDENTITY).search(Query([Term("q", "image", vectors[77])]))
    assert "00077.png" not in {hit.path.name for hit in found}
    (folder / "search-image.faiss").write_bytes(b"cut off")
    assert Gallery.open(folder, IDENTITY).search(Query([Term("q", "image", vectors[78])]))[0].path.name == "00078.png"


def test_a_vector_of_another_size_is_damage(folder, tmp_path):
    index(folder, tmp_path / "index")
    with sqlite3.connect(tmp_path / "index" / FILE) as database:
        database.execute("UPDATE entries SET vector = x'00'")
    with pytest.raises(InputError, match="damaged"):
        Gallery.open(tmp_path / "index", IDENTITY)


def test_a_gallery_without_an_index_gives_the_same_results_as_one_of_the_same_files(folder, tmp_path):
    index(folder, tmp_path / "index")
    opened = Gallery.open(tmp_path / "index", IDENTITY)
    with Store.open(tmp_path / "index") as store:
        rows = [(Entry(str(folder / entry.path), entry.modality, 0, 0, ""), np.frombuffer(vector, np.float32))
                for entry, vector in store.vectors()]
    assert [(hit.path, hit.score) for hit in Gallery.of(rows).search(RED)] == [
        (hit.path, hit.score) for hit in opened.search(RED)]
