"""The public packs: title, creator, licence, address, and what of them a data folder can be built from.

Licences are those that the publishers state; `objects` counts what our own data folder took, `whole` is false where a
pack holds more than that. Addresses are of the publishers or of public copies of their free packs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

GITHUB = "https://github.com"


@dataclass(frozen=True)
class Pack:
    """One pack.

    sources: patterns of the `source` that its objects carry; kind: how it is fetched: "debian" (a package), "zip" (an
    archive at `archive`), or "page" (by hand from `address`)
    folders: parts of the archive's paths of which one must occur; layout: of `layouts`
    credits: whether the files say their own licence and creator, so that the pack's aren't filled in
    """

    title: str
    kind: str
    address: str
    license: str
    creator: str | None
    objects: int
    sources: tuple[str, ...]
    archive: str | None = None
    folders: tuple[str, ...] = ()
    layout: str = "folder"
    credits: bool = False


def _github(title: str, repository: str, license: str, creator: str | None, objects: int, sources: tuple[str, ...],
            folders: tuple[str, ...] = (), **more: object) -> Pack:
    address = f"{GITHUB}/{repository}"
    return Pack(title, "zip", address, license, creator, objects, sources, f"{address}/archive/HEAD.zip", folders,
                **more)


def _kaykit(name: str, repository: str, objects: int, key: str) -> Pack:
    return _github(f"KayKit {name}", f"KayKit-Game-Assets/{repository}", "CC0-1.0", "Kay Lousberg (KayKit)", objects,
                   (f"kaykit-{key}",), ("gltf/", "Models/", "Characters/"))


PACKS: dict[str, Pack] = {
    "sweethome3d": Pack(
        "Sweet Home 3D furniture libraries 1.8", "debian", "https://www.sweethome3d.com/importModels.jsp",
        "CC0-1.0, CC-BY-3.0", None, 775, ("sweethome3d-*",), "sweethome3d-furniture", layout="sweethome3d",
        credits=True),
    "kaykit-city": _kaykit("City builder bits", "KayKit-City-Builder-Bits-1.0", 26, "city"),
    "kaykit-dungeon": _kaykit("Dungeon remastered", "KayKit-Dungeon-Remastered-1.0", 98, "dungeon"),
    "kaykit-furniture": _kaykit("Furniture bits", "KayKit-Furniture-Bits-1.0", 53, "furniture"),
    "kaykit-restaurant": _kaykit("Restaurant bits", "KayKit-Restaurant-Bits-1.0", 100, "restaurant"),
    "kaykit-adventurers": _kaykit("Adventurers", "KayKit-Character-Pack-Adventures-1.0", 25, "adventurers"),
    "kaykit-halloween": _kaykit("Halloween bits", "KayKit-Halloween-Bits-1.0", 28, "halloween"),
    "kaykit-medieval": _kaykit("Medieval hexagon", "KayKit-Medieval-Hexagon-Pack-1.0", 34, "medieval"),
    "kaykit-prototype": _kaykit("Prototype bits", "KayKit-Prototype-Bits-1.0", 9, "prototype"),
    "kaykit-skeletons": _kaykit("Skeletons", "KayKit-Character-Pack-Skeletons-1.0", 7, "skeletons"),
    "kaykit-space": _kaykit("Space base bits", "KayKit-Space-Base-Bits-1.0", 8, "space"),
    "kenney-kits": Pack(
        "Kenney kits (furniture, graveyard, platformer, castle, space, car, …)", "page",
        "https://kenney.nl/assets/category:3D", "CC0-1.0", "Kenney", 203,
        ("kenney-castle", "kenney-car", "kenney-city-commercial", "kenney-cube-pets", "kenney-fantasy-town",
         "kenney-furniture", "kenney-graveyard", "kenney-platformer", "kenney-roads", "kenney-space",
         "kenney-train")),
    "kenney-city": _github("Kenney Starter Kit City Builder", "KenneyNL/Starter-Kit-City-Builder", "CC0-1.0", "Kenney",
                           6, ("kenney-city",), ("models/",)),
    "kenney-fps": _github("Kenney Starter Kit FPS", "KenneyNL/Starter-Kit-FPS", "CC0-1.0", "Kenney", 2,
                          ("kenney-fps",), ("models/",)),
    "kenney-racing": _github("Kenney Starter Kit Racing", "KenneyNL/Starter-Kit-Racing", "CC0-1.0", "Kenney", 3,
                             ("kenney-racing",), ("models/",)),
    "pmndrs-market": _github("Poimandres market", "pmndrs/market-assets", "CC0-1.0", None, 283, ("pmndrs-market",),
                             ("files/models/",)),
    "quaternius": Pack(
        "Quaternius packs", "page", "https://quaternius.com", "CC0-1.0", "Quaternius", 0, ("quaternius",)),
    "quaternius-free": _github(
        "Quaternius and Kenney free packs, a public copy", "beep2bleep/FreeAssetsByKenneyNLandQuaternius", "CC0-1.0",
        "Quaternius", 122, ("quaternius-free",), ("OBJ/",)),
    "quaternius-showcase": _github(
        "Quaternius packs, a public copy as GLB", "trebeljahr/quaternius-showcase", "CC0-1.0", "Quaternius", 485,
        ("quaternius-showcase",), ("public/glb/",)),
    "metro-minis": _github("Mini Mike's Metro Minis", "mikelovesrobots/mmmm", "CC-BY-4.0", "Mike Judge", 51,
                           ("metro-minis",), ("obj/", "collada/")),
    "poly-pizza": Pack("Poly Pizza", "page", "https://poly.pizza", "CC0-1.0, CC-BY-3.0", None, 46, ("poly-pizza",)),
    "babylon-meshes": _github("Babylon.js meshes library", "BabylonJS/MeshesLibrary", "CC-BY-4.0", "Babylon.js team", 9,
                              ("babylon-meshes",)),
    "polyhaven": _github("Poly Haven models in Drake's model repository", "RobotLocomotion/models", "CC0-1.0",
                         "Poly Haven", 6, ("polyhaven",), ("polyhaven/", "poly_haven/")),
    "webxr-samples": _github("WebXR samples", "immersive-web/webxr-samples", "CC-BY-3.0", "Poly by Google", 3,
                             ("webxr-samples",), ("media/gltf/",)),
    "esc50": _github("ESC-50: environmental sounds, of which ESC-10 is CC-BY", "karolpiczak/ESC-50",
                     "CC-BY-NC-3.0 (ESC-10: CC-BY-3.0)", None, 0, (), layout="esc50", credits=True),
}


def pack_of(source: str) -> str | None:
    """The pack that objects of a source come from; None for one that is in no pack."""
    return next((name for name, pack in PACKS.items() if any(fnmatch(source, p) for p in pack.sources)), None)
