"""Publishes the app as a Hugging Face Space, or brings one up to date.

    python scripts/push_to_space.py NAME/SPACE --dry-run     lists what would be published, needs no account
    python scripts/push_to_space.py NAME/SPACE [--private] [--hardware cpu-basic]

Only files that git knows and the app needs are sent, and none that looks like a key. Large files go through the hub's
own storage, which huggingface_hub does by itself: no git-lfs is needed, here or for cloning. Log in first with
`hf auth login`, or set HF_TOKEN.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from check_space import HARDWARE, findings
from space_files import ROOT, selected

LARGE = 10_000_000  # bytes from which the hub wants its own storage
NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


def changed(root: Path = ROOT) -> list[str]:
    """Selected files that differ from the last commit."""
    done = subprocess.run(["git", "diff", "--name-only", "-z", "HEAD"], cwd=root, capture_output=True, text=True)
    return sorted(set(done.stdout.split("\0")) & set(selected(root)))


def listing(names: list[str], root: Path = ROOT) -> list[str]:
    """A line for each file with its size, and a total."""
    sizes = [(root / name).stat().st_size for name in names]
    lines = [f"{size:>12,}  {name}{'  (large)' if size > LARGE else ''}"
             for name, size in zip(names, sizes, strict=True)]
    return [*lines, f"{sum(sizes):>12,}  bytes in {len(names)} files"]


def publish(api, repo: str, names: list[str], *, private: bool, hardware: str | None, message: str,
            root: Path = ROOT) -> str:
    """Make the Space if it is not there, and let it hold exactly these files. Gives its address.

    api: a `huggingface_hub.HfApi`.
    """
    api.create_repo(repo, repo_type="space", space_sdk="gradio", private=private, exist_ok=True,
                    **({"space_hardware": hardware} if hardware else {}))
    api.upload_folder(repo_id=repo, repo_type="space", folder_path=root, allow_patterns=names, delete_patterns="*",
                      commit_message=message)
    return f"https://huggingface.co/spaces/{repo}"


def main(arguments: list[str] | None = None, api=None) -> int:
    parser = argparse.ArgumentParser(description="Publish the app as a Hugging Face Space.")
    parser.add_argument("repo", metavar="NAME/SPACE")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be published")
    parser.add_argument("--private", action="store_true", help="make a new Space visible to you alone")
    parser.add_argument("--hardware", choices=HARDWARE, help="of a new Space (default: cpu-basic)")
    parser.add_argument("--message", default="Update the app", help="of the commit")
    parser.add_argument("--dirty", action="store_true", help="publish changes that are not committed too")
    options = parser.parse_args(arguments)
    if not NAME.fullmatch(options.repo):
        parser.error(f"{options.repo!r} is no name of a Space; give NAME/SPACE")
    problems = findings()
    if (edited := changed()) and not options.dirty:
        shown = f"{', '.join(edited[:5])}{' …' if len(edited) > 5 else ''}"
        problems.append(f"{shown}: not committed; commit, or add --dirty")
    names = selected()
    if options.dry_run:
        print("\n".join([*listing(names), *(f"problem: {line}" for line in problems)]))
        return 1 if problems else 0
    if problems:
        sys.exit("\n".join(problems))
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    from huggingface_hub.errors import HfHubHTTPError

    try:
        print(publish(api, options.repo, names, private=options.private, hardware=options.hardware,
                      message=options.message))
    except (HfHubHTTPError, OSError) as error:  # no token, no network, no right to
        sys.exit(f"push_to_space.py: {' '.join(str(error).split())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
