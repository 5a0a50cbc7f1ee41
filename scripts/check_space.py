"""Checks that the repository can be a Hugging Face Space as it is.

    python scripts/check_space.py

One finding a line; exit status 0 when there is none, else 1. Looks at files only: needs no network and no account.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version
from space_files import ROOT, forbidden, selected

MOST_BYTES = 1_000_000_000
COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
REQUIRED = ("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "app_file", "python_version", "license")
KNOWN = (*REQUIRED, "pinned", "short_description", "thumbnail", "models", "datasets", "tags", "suggested_hardware",
         "suggested_storage", "header", "fullWidth", "disable_embedding", "preload_from_hub", "hf_oauth",
         "startup_duration_timeout", "hf_oauth_scopes", "custom_headers")
HARDWARE = ("cpu-basic", "cpu-upgrade", "cpu-xl", "zero-a10g", "t4-small", "t4-medium", "l4x1", "l4x4", "l40sx1",
            "l40sx4", "a10g-small", "a10g-large", "a10g-largex2", "a10g-largex4", "a100-large", "h100", "h100x8")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MOST_DESCRIPTION = 60
DEBIAN_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
# A gradio Space installs these beside requirements.txt, in one go.
EXTRAS = ("oauth", "mcp")


def findings(root: Path = ROOT) -> list[str]:
    """Everything that would keep a Space from starting, or is missing from its page; one line each."""
    pins, lines = read_requirements(root / "requirements.txt")
    return [*check_readme(root, pins), *lines, *check_gradio(pins), *check_packages(root / "packages.txt"),
            *check_files(root)]


def check_readme(root: Path, pins: dict[str, Requirement]) -> list[str]:
    """The front matter."""
    text = (root / "README.md").read_text(encoding="utf-8")
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if found is None:
        return ["README.md: does not begin with a front matter (--- … ---)"]
    try:
        front = yaml.safe_load(found.group(1))
    except yaml.YAMLError as error:
        return [f"README.md: its front matter is no YAML ({' '.join(str(error).split())})"]
    if not isinstance(front, dict):
        return ["README.md: its front matter holds no keys"]
    lines = [f"README.md: the front matter lacks {key}" for key in REQUIRED if front.get(key) in (None, "")]
    lines += [f"README.md: {key} is no key of a Space" for key in front if key not in KNOWN]
    lines += [f"README.md: {key} is {front[key]!r}; give one of {', '.join(COLORS)}" for key in ("colorFrom", "colorTo")
              if key in front and front[key] not in COLORS]
    if front.get("sdk", "gradio") != "gradio":
        lines.append(f"README.md: sdk is {front['sdk']!r}; the app is made with gradio")
    lines += [f"README.md: {key} {front[key]!r} must be quoted, or YAML makes a number of it"
              for key in ("sdk_version", "python_version") if key in front and not isinstance(front[key], str)]
    pinned = pins.get("gradio")
    if pinned is not None and str(front.get("sdk_version")) != version_of(pinned):
        lines.append(f"README.md: sdk_version is {front.get('sdk_version')}; requirements.txt pins "
                     f"{version_of(pinned)}")
    if front.get("app_file") and not (root / str(front["app_file"])).is_file():
        lines.append(f"README.md: app_file {front['app_file']} is not there")
    if "python_version" in front:
        lines += check_python(str(front["python_version"]), root)
    if len(str(front.get("short_description", ""))) > MOST_DESCRIPTION:
        lines.append(f"README.md: short_description is longer than {MOST_DESCRIPTION} characters")
    if front.get("suggested_hardware", HARDWARE[0]) not in HARDWARE:
        lines.append(f"README.md: suggested_hardware {front['suggested_hardware']!r} is none of {', '.join(HARDWARE)}")
    for key in ("models", "datasets", "tags"):
        if key in front and not (isinstance(front[key], list) and all(isinstance(item, str) for item in front[key])):
            lines.append(f"README.md: {key} must be a list of names")
    return lines


def check_python(given: str, root: Path) -> list[str]:
    """Whether Spaces have that Python, and the project runs on it."""
    if given not in PYTHONS:
        return [f"README.md: python_version {given!r} is none of {', '.join(PYTHONS)}"]
    wanted = re.search(r'requires-python = "(.*)"', (root / "pyproject.toml").read_text(encoding="utf-8"))
    if wanted and not SpecifierSet(wanted.group(1)).contains(f"{given}.0"):
        return [f"README.md: python_version {given} is too old; pyproject.toml wants {wanted.group(1)}"]
    return []


def read_requirements(path: Path) -> tuple[dict[str, Requirement], list[str]]:
    """The pins by their names, and a line for each that is none."""
    pins: dict[str, Requirement] = {}
    lines, seen = [], set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not text:
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            lines.append(f"{path.name}:{number}: {text!r} is no requirement ({str(error).splitlines()[0]})")
            continue
        name = requirement.name.lower().replace("_", "-")
        if version_of(requirement) is None:
            lines.append(f"{path.name}:{number}: {requirement.name} is not pinned; write {requirement.name}==VERSION")
        if (name, str(requirement.marker)) in seen:
            lines.append(f"{path.name}:{number}: {requirement.name} stands there twice")
        seen.add((name, str(requirement.marker)))
        pins[name] = requirement
    if "gradio" not in pins:
        lines.append(f"{path.name}: gradio is missing")
    return pins, lines


def version_of(requirement: Requirement) -> str | None:
    """The version that it pins, or None."""
    parts = list(requirement.specifier)
    if len(parts) != 1 or parts[0].operator != "==" or "*" in parts[0].version:
        return None
    try:
        Version(parts[0].version)
    except InvalidVersion:
        return None
    return parts[0].version


def check_gradio(pins: dict[str, Requirement]) -> list[str]:
    """Pins that clash with what the gradio which a Space installs wants, by the metadata of the one installed here."""
    gradio = pins.get("gradio")
    try:
        if gradio is None or metadata.version("gradio") != version_of(gradio):
            return []  # another one is installed here: its metadata would say nothing
        wanted = [Requirement(line) for line in metadata.requires("gradio") or ()]
    except metadata.PackageNotFoundError:
        return []
    lines = []
    for requirement in wanted:
        applies = requirement.marker is None or any(requirement.marker.evaluate({"extra": extra})
                                                    for extra in ("", *EXTRAS))
        pinned = pins.get(requirement.name.lower().replace("_", "-"))
        version = version_of(pinned) if pinned is not None and applies else None
        if version is not None and not requirement.specifier.contains(version, prereleases=True):
            lines.append(f"requirements.txt: {requirement.name}=={version} clashes with gradio[{','.join(EXTRAS)}], "
                         f"which a Space installs and which wants {requirement.specifier}")
    return lines


def check_packages(path: Path) -> list[str]:
    """packages.txt: the name of a Debian package in each line and nothing else."""
    if not path.is_file():
        return []
    names = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{path.name}:{number}: {name!r} is no name of a Debian package"
             for number, name in enumerate(names, start=1) if not DEBIAN_NAME.fullmatch(name)]
    return lines + [f"{path.name}: {name} stands there twice" for name in sorted(set(names)) if names.count(name) > 1]


def check_files(root: Path) -> list[str]:
    """What would be published: the needed files, no secrets, not too much."""
    names = selected(root)
    lines = [f"{name}: is needed, but git does not know it" for name in ("app.py", "requirements.txt", "README.md")
             if name not in names]
    total = sum((root / name).stat().st_size for name in names)
    if total > MOST_BYTES:
        lines.append(f"the files of the Space have {total / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f}")
    return lines + forbidden(names, root)


def main() -> int:
    found = findings()
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
