import hashlib

import pytest

from pointllm.errors import WeightsError
from pointllm.weights.download import download
from pointllm.weights.manifest import File

CONTENT = bytes(range(256)) * 5000
EXPECTED = File("model.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def url(hub):
    hub.files["/model.bin"] = CONTENT
    return f"{hub.url}/model.bin"


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(url, tmp_path):
    target = download(url, tmp_path / "deep" / "model.bin", EXPECTED)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["model.bin"]


def test_a_file_that_is_there_is_not_fetched_again(url, hub, tmp_path):
    download(url, tmp_path / "model.bin", EXPECTED)
    download(url, tmp_path / "model.bin", EXPECTED)
    assert len(hub.requests) == 1


def test_an_interrupted_download_has_no_final_name_and_is_continued(url, hub, tmp_path):
    hub.cut = 600_000
    with pytest.raises(WeightsError):
        download(url, tmp_path / "model.bin", EXPECTED)
    assert not (tmp_path / "model.bin").exists()
    have = (tmp_path / "model.bin.part").stat().st_size
    assert 0 < have <= 600_000

    hub.cut = None
    assert download(url, tmp_path / "model.bin", EXPECTED).read_bytes() == CONTENT
    assert hub.requests[-1] == ("/model.bin", f"bytes={have}-")


def test_a_server_without_ranges_sends_the_file_from_its_start(url, hub, tmp_path):
    (tmp_path / "model.bin.part").write_bytes(CONTENT[:1000])
    hub.ranges = False
    assert download(url, tmp_path / "model.bin", EXPECTED).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT + b"more", CONTENT[:-5]])
def test_other_content_is_refused_and_not_continued(url, hub, tmp_path, content):
    hub.files["/model.bin"] = content
    with pytest.raises(WeightsError, match="model.bin"):
        download(url, tmp_path / "model.bin", EXPECTED)
    assert not (tmp_path / "model.bin").exists()
    hub.files["/model.bin"] = CONTENT
    assert download(url, tmp_path / "model.bin", EXPECTED).read_bytes() == CONTENT


def test_errors_name_the_address_in_one_line(hub, tmp_path):
    for url in (f"{hub.url}/absent", "http://127.0.0.1:9/x", "nonsense://x"):
        with pytest.raises(WeightsError) as caught:
            download(url, tmp_path / "x", EXPECTED)
        assert str(caught.value).startswith(url) and "\n" not in str(caught.value)


UNKNOWN = File("model.bin")


def test_without_a_known_size_the_servers_is_held_to(url, hub, tmp_path):
    assert download(url, tmp_path / "model.bin", UNKNOWN).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


def test_a_file_that_changed_meanwhile_is_not_pieced_together(url, hub, tmp_path):
    hub.tag, hub.cut = '"one"', 600_000
    with pytest.raises(WeightsError):
        download(url, tmp_path / "model.bin", UNKNOWN)
    hub.tag, hub.cut, hub.files["/model.bin"] = '"two"', None, CONTENT[::-1]
    assert download(url, tmp_path / "model.bin", UNKNOWN).read_bytes() == CONTENT[::-1]


def test_a_download_that_had_only_not_been_renamed_is_taken(url, hub, tmp_path):
    (tmp_path / "model.bin.part").write_bytes(CONTENT)
    assert download(url, tmp_path / "model.bin", UNKNOWN).read_bytes() == CONTENT


def test_the_sha256_that_the_hub_tells_is_checked(url, hub, tmp_path):
    hub.headers = {"X-Linked-ETag": f'"{"0" * 64}"'}
    with pytest.raises(WeightsError, match="not the expected file"):
        download(url, tmp_path / "model.bin", UNKNOWN)
    hub.headers = {"X-Linked-ETag": f'"{EXPECTED.sha256}"'}
    assert download(url, tmp_path / "model.bin", UNKNOWN).read_bytes() == CONTENT
