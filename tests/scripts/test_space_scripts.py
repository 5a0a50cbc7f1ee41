"""The layout of a Hugging Face Space: this repository's is sound, and what is wrong in one is told."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import check_space  # noqa: E402
import push_to_space  # noqa: E402
import space_files  # noqa: E402

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")


@pytest.fixture
def copy(tmp_path):
    """A repository with the small files of this one."""
    for name in ("README.md", "requirements.txt", "packages.txt", "app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_this_repository_can_be_a_space():
    assert check_space.findings() == []


def test_the_copy_is_sound_before_it_is_spoilt(copy):
    assert check_space.findings(copy) == []


@pytest.mark.parametrize(("file", "old", "new", "line"), [
    ("README.md", "---\n", "", "does not begin with a front matter"),
    ("README.md", "title: Point-LLM\n", "", "lacks title"),
    ("README.md", "title:", "titel:", "titel is no key"),
    ("README.md", 'sdk_version: "', 'sdk_version: "1', "sdk_version is 1"),
    ("README.md", 'python_version: "3.11"', "python_version: 3.10", "must be quoted"),
    ("README.md", 'python_version: "3.11"', 'python_version: "3.10"', "is too old"),
    ("README.md", "app_file: app.py", "app_file: main.py", "main.py is not there"),
    ("README.md", "colorTo: blue", "colorTo: mauve", "colorTo is 'mauve'"),
    ("README.md", "sdk: gradio", "sdk: static", "made with gradio"),
    ("README.md", "cpu-basic", "toaster", "suggested_hardware"),
    ("README.md", "title: Point-LLM", "title: [", "no YAML"),
    ("requirements.txt", "pydantic==2.12.5", "pydantic==2.13.0", "clashes with gradio"),
    ("requirements.txt", "tqdm==", "tqdm>=", "tqdm is not pinned"),
    ("requirements.txt", "tqdm==", "tqdm = ", "is no requirement"),
    ("requirements.txt", "tqdm==", "numpy==1.0\ntqdm==", "numpy stands there twice"),
    ("packages.txt", "libgl1\n", "libgl1 # drawing\n", "no name of a Debian package"),
    ("packages.txt", "libgl1\n", "libgl1\nlibgl1\n", "libgl1 stands there twice"),
])
def test_what_would_keep_a_space_from_starting_is_told(copy, file, old, new, line):
    edit(copy / file, old, new)
    found = check_space.findings(copy)
    assert any(line in finding for finding in found), found
    assert all("\n" not in finding for finding in found)


def test_the_script_tells_by_its_status(copy, monkeypatch, capsys):
    monkeypatch.setattr(check_space, "findings", lambda: ["one", "two"])
    assert check_space.main() == 1 and capsys.readouterr().out == "one\ntwo\n"


def test_only_what_the_app_needs_is_published():
    names = space_files.selected()
    assert {"app.py", "README.md", "requirements.txt", "packages.txt", "app/serve.py", "pointllm/cli.py",
            "checkpoints/manifest.json", "assets/samples/chair.ply"} <= set(names)
    assert not [name for name in names if re.match(r"tests/|runs/|\.|benchmarks/|scripts/", name)]
    assert len(names) == len(set(names)) and all((ROOT / name).is_file() for name in names)


def test_what_git_does_not_know_is_never_published(copy):
    (copy / "app").mkdir()
    (copy / "app" / "notes.txt").write_text("private")
    assert "app/notes.txt" not in space_files.selected(copy)


@pytest.mark.parametrize(("name", "content"), [
    ("app/.env", "A=1"), ("app/server.pem", "x"), ("docs/hf_token.txt", "x"), ("app/a[1].py", "x"),
    ("app/a.py", "token = 'hf_" + "a" * 34 + "'"), ("app/b.py", "-----BEGIN RSA " + "PRIVATE KEY-----"),
])
def test_keys_and_odd_names_are_found(copy, name, content):
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text(content)
    subprocess.run(["git", "add", "-A", "-f"], cwd=copy, check=True)
    assert any(finding.startswith(name) for finding in check_space.findings(copy))


def test_links_are_not_followed(copy):
    (copy / "app").mkdir()
    (copy / "app" / "link").symlink_to("/etc/hostname")
    subprocess.run(["git", "add", "-A"], cwd=copy, check=True)
    assert any(finding.startswith("app/link: is a link") for finding in check_space.findings(copy))


class Hub:
    """Stands in for `HfApi`: keeps what it was called with."""

    def __init__(self):
        self.calls = []

    def create_repo(self, repo, **given):
        self.calls.append(("create", repo, given))

    def upload_folder(self, **given):
        self.calls.append(("upload", given))


@pytest.fixture
def sound(monkeypatch):
    monkeypatch.setattr(push_to_space, "findings", lambda: [])
    monkeypatch.setattr(push_to_space, "changed", lambda: [])


def test_exactly_the_selection_is_uploaded(sound, capsys):
    hub = Hub()
    assert push_to_space.main(["me/space", "--private", "--hardware", "cpu-basic"], hub) == 0
    (_, repo, made), (_, sent) = hub.calls
    assert repo == "me/space" and made["space_sdk"] == "gradio" and made["private"] and made["exist_ok"]
    assert sent["allow_patterns"] == space_files.selected() and sent["repo_type"] == "space"
    assert capsys.readouterr().out.strip() == "https://huggingface.co/spaces/me/space"


def test_a_dry_run_lists_the_files_and_sends_nothing(sound, capsys):
    hub = Hub()
    assert push_to_space.main(["me/space", "--dry-run"], hub) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(name in line for name, line in zip(space_files.selected(), lines[:-1], strict=True))
    assert "bytes in" in lines[-1] and not hub.calls


def test_nothing_is_sent_while_something_is_wrong_or_not_committed(monkeypatch):
    hub = Hub()
    monkeypatch.setattr(push_to_space, "findings", lambda: [])
    monkeypatch.setattr(push_to_space, "changed", lambda: ["app.py"])
    with pytest.raises(SystemExit, match="app.py: not committed"):
        push_to_space.main(["me/space"], hub)
    monkeypatch.setattr(push_to_space, "findings", lambda: ["README.md: lacks title"])
    with pytest.raises(SystemExit, match="lacks title"):
        push_to_space.main(["me/space", "--dirty"], hub)
    assert not hub.calls


def test_a_hub_that_refuses_is_told_in_one_line(sound):
    def refuse(*_, **__):
        raise OSError("401\nUnauthorized")

    with pytest.raises(SystemExit) as caught:
        push_to_space.main(["me/space"], SimpleNamespace(create_repo=refuse))
    assert str(caught.value) == "push_to_space.py: 401 Unauthorized"


@pytest.mark.parametrize("name", ["space", "me/", "me/a b", "https://huggingface.co/me/space"])
def test_what_is_no_name_of_a_space_is_refused(name, sound):
    with pytest.raises(SystemExit):
        push_to_space.main([name], Hub())


def test_the_dockerfile_copies_what_is_there_and_sets_up_as_the_readme_does():
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    steps = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    copied = [source for verb, rest in steps if verb == "COPY"
              for source in [word for word in shlex.split(rest) if not word.startswith("--")][:-1]]
    assert all((ROOT / source).exists() for source in copied)
    assert {"run.sh", "requirements.txt", "packages.txt", "app.py", "app", "pointllm", "assets", "checkpoints",
            "scripts/setup.sh", "pyproject.toml"} <= set(copied)
    runs = [rest for verb, rest in steps if verb == "RUN"]
    assert "./run.sh --install" in runs and any("packages.txt" in run and "apt-get install" in run for run in runs)
    assert ["CMD", '["./run.sh"]'] in steps and ["USER", "user"] in steps
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{source}" for source in copied} <= set(ignored)
