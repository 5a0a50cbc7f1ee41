"""Fetching a public pack into a data folder: package or archive, unpacked with care, built with licence and creator.

Whatever the network does not allow ends in one line that names the address and how to go on by hand: every pack can
also be built from a file that was downloaded elsewhere.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ...errors import DataError
from ..attribution import write_attribution
from ..build import Built, build
from ..layouts import Options
from ..records import LABELS, OBJECTS
from .table import PACKS, Pack

logger = logging.getLogger("pointllm")

WANTED = (".glb", ".gltf", ".bin", ".obj", ".mtl", ".dae", ".ply", ".stl", ".off", ".png", ".jpg", ".jpeg", ".sh3f",
          ".wav", ".ogg", ".csv", ".txt", ".md", ".json")
PAPERS = ("license", "licence", "credits", "readme", "copying", "attribution")
MAX_DOWNLOAD = 4_000_000_000
MAX_UNPACKED = 12_000_000_000
SECONDS = {"connect": 10.0, "read": 60.0}


def fetch(name: str, out: str | Path, *, origin: str | Path | None = None, limit: int | None = None,
          vocabulary: str | Path | None = None, val_share: float = 0.1, seed: int = 0) -> Built:
    """Fetch a pack of PACKS and add it to the data folder `out`, with an ATTRIBUTION.md.

    origin: another address of the archive, or a file or folder that has been downloaded; limit: objects to take

    Raises:
        DataError: an unknown pack; one that can't be reached (with what to do); a damaged archive.
    """
    if name not in PACKS:
        raise DataError(f"unknown pack {name!r}; known: {', '.join(PACKS)}")
    pack, out = PACKS[name], Path(out)
    if vocabulary is None and (out / LABELS).is_file():
        vocabulary = out  # names are brought to those that the folder has
    with tempfile.TemporaryDirectory(prefix="pointllm-pack-") as scratch:
        content = _obtain(name, pack, origin, Path(scratch))
        if pack.layout == "folder":
            content = _keep(content, out / "packs" / name)
        elif pack.layout == "esc50":
            content = _keep(_root_of(content, "meta/esc50.csv"), out / "packs" / name)
        options = Options(source=None if pack.credits else pack.sources[0].replace("*", ""), label_from="name",
                          license=None if pack.credits else pack.license.split(",")[0], creator=pack.creator,
                          limit=limit)
        built = build([content], out, layout=pack.layout, options=options, vocabulary=vocabulary, val_share=val_share,
                      seed=seed)
    if (out / OBJECTS).is_file():
        write_attribution(out)
    return built


def _obtain(name: str, pack: Pack, origin: str | Path | None, scratch: Path) -> Path:
    """A folder with the pack's files."""
    if origin is not None and Path(origin).is_dir():
        return Path(origin)
    if origin is not None and Path(origin).is_file():
        archive = Path(origin)
    elif origin is not None and str(origin).startswith(("http://", "https://")):
        archive = download(str(origin), scratch / "archive")
    elif origin is not None:
        raise DataError(f"{origin}: no such file; give a downloaded archive, a folder, or an http(s) address")
    elif pack.kind == "debian":
        archive = debian_package(pack.archive or name, scratch, pack.address)
    elif pack.kind == "zip":
        try:
            archive = download(pack.archive or pack.address, scratch / "archive")
        except DataError as error:
            raise DataError(f"{error}; or download it elsewhere from {pack.address} and give it with --from FILE"
                            ) from error
    else:
        raise DataError(f"{name}: its publisher offers it on a page, {pack.address}; download an archive there and "
                        f"give it: pointllm data fetch {name} --from FILE --out DIR")
    return unpack(archive, scratch / "content", pack.folders)


def download(url: str, target: Path) -> Path:
    """The file behind an address. DataError names address and cause."""
    import httpx

    logger.info("fetching %s", url)
    timeout = httpx.Timeout(SECONDS["read"], connect=SECONDS["connect"])
    try:
        with httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as response:
            if response.status_code != 200:
                raise DataError(f"{url}: the server answered {response.status_code}")
            received = 0
            with target.open("wb") as stream:
                for piece in response.iter_bytes(1 << 18):
                    received += len(piece)
                    if received > MAX_DOWNLOAD:
                        raise DataError(f"{url}: longer than {MAX_DOWNLOAD:,} bytes")
                    stream.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise DataError(f"{url}: can't be fetched ({error or type(error).__name__}); is the network up?") from error
    return target


def debian_package(package: str, scratch: Path, address: str) -> Path:
    """The file of a Debian package, by apt-get."""
    if shutil.which("apt-get") is None:
        raise DataError(f"{package}: a Debian package, and this system has no apt-get; download it from {address} and "
                        "give it with --from FILE")
    scratch.chmod(0o755)
    logger.info("fetching the Debian package %s", package)
    done = subprocess.run(["apt-get", "download", package], cwd=scratch, capture_output=True, text=True, check=False)
    files = sorted(scratch.glob("*.deb"))
    if done.returncode or not files:
        cause = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("E:")), "no answer")
        raise DataError(f"{package}: apt-get can't download it ({cause[2:].strip()}); run apt-get update, or get it "
                        f"from {address} and give it with --from FILE")
    return files[0]


def unpack(archive: Path, target: Path, folders: tuple[str, ...] = ()) -> Path:
    """Unpack a .zip or .deb into a new folder: shapes, sounds, tables, textures and licence texts only.

    Raises:
        DataError: neither kind of archive, a damaged one, or one whose paths leave the folder.
    """
    target.mkdir(parents=True, exist_ok=True)
    if archive.suffix.lower() == ".sh3f":
        return archive.parent if archive.parent.name == "content" else _only(archive, target)
    with archive.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(b"!<arch>"):
        if shutil.which("dpkg-deb") is None:
            raise DataError(f"{archive}: a Debian package, and this system has no dpkg-deb; unpack it elsewhere and "
                            "give the folder with --from")
        done = subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise DataError(f"{archive}: damaged ({done.stderr.strip()[:100]}); download it again")
        return target
    if not zipfile.is_zipfile(archive):
        raise DataError(f"{archive.name}: neither a ZIP archive nor a Debian package; is it what the address promised?")
    _unzip(archive, target, folders)
    return target


def _only(archive: Path, target: Path) -> Path:
    shutil.copy(archive, target / archive.name)
    return target


def _unzip(archive: Path, target: Path, folders: tuple[str, ...]) -> None:
    written = 0
    try:
        with zipfile.ZipFile(archive) as file:
            infos = [i for i in file.infolist() if not i.is_dir() and _is_wanted(i.filename, folders)]
            for info in infos:
                path = PurePosixPath(info.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
                    raise DataError(f"{archive.name}: holds the path {info.filename!r}, which leaves the folder; "
                                    "the archive is hostile or damaged")
                place = target.joinpath(*path.parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with file.open(info) as source, place.open("wb") as sink:
                    while piece := source.read(1 << 20):
                        written += len(piece)
                        if written > MAX_UNPACKED:
                            raise DataError(f"{archive.name}: unpacks to more than {MAX_UNPACKED:,} bytes")
                        sink.write(piece)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{archive.name}: a damaged archive ({str(error)[:100]}); download it again") from error
    if not infos:
        raise DataError(f"{archive.name}: holds none of the pack's files; was the pack laid out anew?")


def _is_wanted(name: str, folders: tuple[str, ...]) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    if any(path.name.lower().startswith(paper) for paper in PAPERS):
        return True
    in_folder = not folders or any(folder.lower() in name.lower() for folder in folders)
    return in_folder and path.suffix.lower() in WANTED


def _root_of(content: Path, member: str) -> Path:
    """The folder below which `member` lies; archives often have one folder around everything."""
    found = sorted(content.rglob(member))
    if not found:
        raise DataError(f"{content}: holds no {member}; is it the whole pack?")
    return found[0].parents[len(PurePosixPath(member).parts) - 1]


def _keep(content: Path, target: Path) -> Path:
    """Move the files into the data folder, where they stay; files of an earlier fetch are replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if content.resolve() == target.resolve():
        return target
    shutil.copytree(content, target, dirs_exist_ok=True)
    return target
