"""Which files of the repository a Hugging Face Space needs, and which must never go there.

Only files that git knows are taken, so that nothing of a working copy (environments, runs, notes, keys) slips in.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The app runs from these; docs are there for the links of the README.
NEEDED = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "app.py", "requirements.txt", "packages.txt",
          "app", "pointllm", "checkpoints", "assets", "docs")
SECRET_NAMES = re.compile(r"(^|/)(\.env(\..*)?|\.netrc|\.pypirc|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx)|"
                          r"credentials(\.json)?|.*token.*\.txt)$", re.IGNORECASE)
SECRET_WORDS = re.compile(rb"\bhf_[A-Za-z0-9]{30,}|\bghp_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{40,}|\bAKIA[0-9A-Z]{16}\b|"
                          rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
SEARCHED_BYTES = 2_000_000  # of a file, for secrets; weights are larger and hold numbers


def known_to_git(root: Path = ROOT) -> list[str]:
    """Every file of the repository that is tracked and still there. OSError where git or the repository is missing."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{root}: {done.stderr.strip() or 'is no git repository'}")
    return [name for name in done.stdout.split("\0") if name and (root / name).exists()]


def selected(root: Path = ROOT) -> list[str]:
    """The files of a Space, by their paths in the repository, sorted."""
    return sorted(name for name in known_to_git(root) if name.split("/", 1)[0] in NEEDED)


def forbidden(names: list[str], root: Path = ROOT) -> list[str]:
    """A line for each of the files that must not be published: keys by name or content, links, what lies elsewhere."""
    lines = []
    for name in names:
        path = root / name
        if path.is_symlink():
            lines.append(f"{name}: is a link; a Space holds files only")
        elif any(sign in name for sign in "*?[]"):
            lines.append(f"{name}: has a wildcard in its name, which the hub's client would take for a pattern")
        elif SECRET_NAMES.search(name):
            lines.append(f"{name}: looks like a key or a password by its name")
        elif path.stat().st_size <= SEARCHED_BYTES and (found := SECRET_WORDS.search(path.read_bytes())):
            lines.append(f"{name}: holds what looks like a key ({found.group()[:6].decode()}…)")
    return lines
