"""Measured facts about a shape: counts, size, colours by area, whether it is closed. Numbers and names, no prose."""

from __future__ import annotations

import numpy as np

from .point_cloud import PointCloud

COLORS = ("black", "white", "gray", "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown",
          "beige")
# Where one hue ends and the next begins, in degrees; what lies beyond the last is red again.
HUE_ENDS = ((13, "red"), (46, "orange"), (66, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"), (290, "purple"),
            (337, "pink"), (360, "red"))
MIN_SHARE = 0.15  # of the area, to be named beside the main colour
MAX_NAMES = 3


def color_names(rgb: np.ndarray) -> np.ndarray:
    """The plain English name of each sRGB colour: (N, 3) float32 in [0, 1] → (N,) str.

    Thresholds on hue, saturation and value; warm hues turn brown when dark and beige when pale, cool ones gray sooner.
    """
    rgb = np.asarray(rgb, np.float64)
    value, low = rgb.max(axis=1), rgb.min(axis=1)
    chroma = value - low
    saturation = chroma / np.maximum(value, 1e-9)
    hue = _hue(rgb, value, chroma)
    names = np.full(len(rgb), "red", dtype="<U6")
    start = 0.0
    for end, name in HUE_ENDS:
        names[(hue >= start) & (hue < end)] = name
        start = end
    reddish = names == "red"
    names[reddish & (saturation < 0.6) & (value > 0.85)] = "pink"
    names[reddish & (saturation < 0.53) & (value <= 0.85)] = "brown"
    names[(names == "orange") & ((value < 0.68) | (saturation < 0.63))] = "brown"
    names[(names == "yellow") & (value < 0.48)] = "brown"
    names[(hue >= 22) & (hue < 66) & (saturation < 0.46) & (value > 0.72)] = "beige"
    cool = (hue >= 165) & (hue < 290)
    names[(saturation < np.where(cool, 0.3, 0.157)) | (chroma < 0.09)] = "gray"
    names[(saturation < 0.17) & (value > 0.85)] = "white"
    names[value < 0.2] = "black"
    return names


def color_shares(rgb: np.ndarray) -> dict[str, float]:
    """Share of each named colour among points (N, 3), largest first; points drawn by area make these shares of area."""
    names, counts = np.unique(color_names(rgb), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): float(counts[i] / len(rgb)) for i in order}


def dominant_colors(cloud: PointCloud) -> list[str]:
    """Names of the main colours by area, at most MAX_NAMES; empty where the file has no colours."""
    if cloud.rgb is None or not len(cloud.rgb):
        return []
    shares = color_shares(cloud.rgb)
    return [n for i, (n, share) in enumerate(shares.items()) if i == 0 or share >= MIN_SHARE][:MAX_NAMES]


def palette(cloud: PointCloud) -> list[dict]:
    """The main colours by area, as `dominant_colors` names them: {"name", "rgb": mean sRGB "#rrggbb", "share"} each."""
    if cloud.rgb is None or not len(cloud.rgb):
        return []
    names = color_names(cloud.rgb)
    found = []
    for name in dominant_colors(cloud):
        of_name = cloud.rgb[names == name]
        mean = np.round(np.clip(of_name.mean(axis=0), 0, 1) * 255).astype(int)
        share = round(len(of_name) / len(names), 3)
        found.append({"name": name, "rgb": "#" + bytes(mean.tolist()).hex(), "share": share})
    return found


def surface_facts(cloud: PointCloud) -> dict:
    """"area" of a mesh in square file units, and "volume" in cubic ones where it is closed; empty for bare clouds."""
    mesh = cloud.mesh
    if mesh is None or not len(mesh.faces):
        return {}
    facts = {"area": float(f"{mesh.face_areas().sum():.4g}")}
    if cloud.metadata.watertight:
        # Signed tetrahedra from a point amid the shape (divergence theorem); faces that all point inwards sum to less
        # than nothing.
        corners = mesh.vertices.astype(np.float64) - mesh.vertices.mean(axis=0, dtype=np.float64)
        a, b, c = (corners[mesh.faces[:, i]] for i in range(3))
        facts["volume"] = float(f"{abs(np.einsum('fi,fi->', a, np.cross(b, c))) / 6:.4g}")
    return facts


def shape_facts(cloud: PointCloud) -> dict:
    """Facts as plain values, ready for JSON.

    "format", "points" (of a bare cloud) or "vertices", "faces" and "watertight" (of a mesh), "size": [x, y, z] in file
    units, "up_axis" where known, "colors": names by area, "dropped" where coordinates were unusable.
    """
    metadata = cloud.metadata
    facts: dict = {"format": metadata.format}
    if metadata.faces:
        facts |= {"vertices": metadata.vertices, "faces": metadata.faces, "watertight": metadata.watertight}
    else:
        facts |= {"points": metadata.points}
    facts["size"] = [float(f"{extent:.4g}") for extent in metadata.size]
    if metadata.up_axis:
        facts["up_axis"] = metadata.up_axis
    facts["colors"] = dominant_colors(cloud)
    if metadata.dropped:
        facts["dropped"] = metadata.dropped
    return facts


def _hue(rgb: np.ndarray, value: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Hue in degrees [0, 360); 0 for grays."""
    red, green, blue = rgb.T
    safe = np.where(chroma > 0, chroma, 1.0)
    sector = np.where(value == red, (green - blue) / safe % 6,
                      np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4))
    return np.where(chroma > 0, sector * 60, 0.0) % 360
