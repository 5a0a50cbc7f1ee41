"""Published files: asked about, fetched, recorded, explained where a program can't get them."""

import hashlib
import json

import pytest

from pointllm.cli import main
from pointllm.errors import WeightsError
from pointllm.weights import inventory, manifest, published
from pointllm.weights.manifest import sha256_of

CONTENT = bytes(range(256)) * 3000


@pytest.fixture
def table(place, hub):
    """A manifest with a file of known sha256, one of unknown, and one that only people get; the hub has both files."""
    hub.files |= {"/huge.pth": CONTENT, "/7B.pth": CONTENT[::-1]}

    def row(name, kind, file, licence, **more):
        source = {"kind": kind, "url": f"{hub.url}/{file['name']}", "files": [file]} | more
        return {"name": name, "title": name, "licence": licence, "non_commercial": True, "card": "https://example.org",
                "profiles": ["official-i2pmae"], "sources": [source]}

    known = {"name": "huge.pth", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    rows = [row("huge", "url", known, "CC-BY-NC-4.0"), row("adapter", "url", {"name": "7B.pth"}, "LLaMA"),
            row("pointbind", "request", {"name": "p.pt"}, "CC-BY-NC-4.0", steps="Open the page and download the file")]
    path = place.checkpoints / "manifest.json"
    content = json.loads(path.read_text())
    content["weights"] += rows
    path.write_text(json.dumps(content))
    return path


def said(capfd):
    """Lines on stdout as JSON, and stderr."""
    out, err = capfd.readouterr()
    return [json.loads(line) for line in out.splitlines()], err


def test_a_non_commercial_licence_is_asked_about_in_one_line(table, hub, capfd):
    assert main(["weights", "fetch", "huge", "--json"]) == 2
    rows, err = said(capfd)
    assert not rows and not hub.requests
    assert err.count("\n") == 1 and "CC-BY-NC-4.0" in err and "--accept-licence CC-BY-NC-4.0" in err

    assert main(["weights", "fetch", "huge", "--json", "--accept-licence", "LLaMA"]) == 2  # another one won't do
    assert not hub.requests
    capfd.readouterr()

    assert main(["weights", "fetch", "huge", "--json", "--accept-licence", "cc-by-nc-4.0"]) == 0
    (row,), _ = said(capfd)
    assert (row["state"], row["bytes"], row["licence"]) == ("ready", len(CONTENT), "CC-BY-NC-4.0")
    assert main(["weights", "fetch", "huge"]) == 0 and len(hub.requests) == 1  # it is here: nothing to ask
    assert "pointllm weights convert" in capfd.readouterr().out


def test_a_person_at_a_terminal_may_say_yes(table):
    row = manifest.find("huge")
    asked = []
    published.consent([row], (), lambda question: not asked.append(question))
    assert "CC-BY-NC-4.0" in asked[0]
    with pytest.raises(WeightsError, match="--accept-licence"):
        published.consent([row], (), lambda question: False)


def test_an_unknown_sha256_is_recorded_and_checked_from_then_on(table, capfd):
    row = manifest.find("adapter")
    folder = published.fetch(row)
    record = json.loads((folder / "source.json").read_text())["files"][0]
    assert (record["size"], record["sha256"]) == (len(CONTENT), sha256_of(folder / "7B.pth"))
    inventory.verify(row)
    (folder / "7B.pth").write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="damaged or of another version"):
        inventory.verify(row)


def test_an_interrupted_download_of_unknown_length_goes_on(table, hub):
    row = manifest.find("adapter")
    hub.cut = 600_000
    with pytest.raises(WeightsError):
        published.fetch(row)
    part = published.folder_of(row) / "7B.pth.part"
    have = part.stat().st_size
    assert have and inventory.state_of(row).state == "missing"
    hub.cut = None
    assert (published.fetch(row) / "7B.pth").read_bytes() == CONTENT[::-1]
    assert hub.requests[-1][1] == f"bytes={have}-"
    assert sorted(path.name for path in published.folder_of(row).iterdir()) == ["7B.pth", "source.json"]


def test_what_only_people_can_get_is_explained(table, hub, capfd):
    assert main(["weights", "fetch", "pointbind", "--accept-licence", "CC-BY-NC-4.0"]) == 2
    err = capfd.readouterr().err
    assert "Open the page" in err and f"{hub.url}/p.pt" in err and not hub.requests
    assert "pointllm weights convert PATH --profile official-i2pmae" in err


def test_a_profiles_name_stands_for_its_files_and_one_failure_does_not_stop_the_others(table, capfd):
    accepted = ["--accept-licence", "CC-BY-NC-4.0", "--accept-licence", "LLaMA"]
    assert main(["weights", "fetch", "official-i2pmae", "--json", *accepted]) == 1
    rows, _ = said(capfd)
    assert [(row["name"], row["state"]) for row in rows] == [("huge", "ready"), ("adapter", "ready"),
                                                            ("pointbind", "missing")]
    assert "Open the page" in rows[2]["error"]


def test_without_names_only_what_the_embedded_profile_needs_is_fetched(table, place, hub):
    place.stock_hub()
    assert main(["weights", "fetch"]) == 0
    assert {path.split("/")[1] for path, _ in hub.requests} == {"some"}


def test_status_lists_everything_and_verify_reads_what_is_here(table, place, capfd):
    place.stock_hub()
    assert main(["weights", "status", "--json"]) == 0
    names = [row["name"] for row in said(capfd)[0]]
    assert names[:4] == ["tiny", "huge", "adapter", "pointbind"]
    parts = ("imagebind", "point", "llm/base", "llm/adapters", "llm/cache")
    assert names[4:] == [f"{p}/{part}" for p in ("official-i2pmae", "official-pointbert") for part in parts]

    main(["weights", "fetch", "tiny"])
    published.fetch(manifest.find("adapter"))
    capfd.readouterr()
    assert main(["weights", "verify", "--json"]) == 0
    assert [row["name"] for row in said(capfd)[0]] == ["tiny", "adapter"]
    assert main(["weights", "verify", "official-i2pmae/point"]) == 2
    assert "not converted; run `pointllm weights convert`" in capfd.readouterr().err


def test_the_real_table_invents_nothing():
    """Every published file has an address and a licence; a sha256 only where one was published."""
    rows = [row for row in manifest.read_manifest().values() if row.published]
    assert {row.name for row in rows} >= {"imagebind-huge", "pointbind-i2pmae", "pointbind-pointbert", "llama-7b",
                                          "imagebind-llm-7b", "imagebind-llm-cache"}
    for row in rows:
        assert row.non_commercial and row.licence and row.card.startswith("https://")
        for source in row.sources:
            assert source.url.startswith("https://") and (source.kind == "url" or source.steps)
    for name in ("official-i2pmae", "official-pointbert"):
        assert len([row for row in rows if name in row.profiles]) == 5
