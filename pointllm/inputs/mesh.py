"""A triangle mesh with its colours, and points drawn evenly from its surface.

Knows geometry and colour, not files: the readers in `formats/` fill it, `point_cloud` samples it, the renderer and the
preview draw it. All colours are sRGB; products of them (texture × factor × vertex colour) are formed in linear light.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


def srgb_to_linear(color: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] to linear light, any shape (IEC 61966-2-1)."""
    color = np.asarray(color, np.float64)
    return np.where(color <= 0.04045, color / 12.92, ((np.maximum(color, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_to_srgb(color: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to sRGB, any shape; values outside are clipped."""
    color = np.clip(np.asarray(color, np.float64), 0.0, 1.0)  # float64, so that 1 stays 1
    return np.where(color <= 0.0031308, color * 12.92, 1.055 * color ** (1 / 2.4) - 0.055).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Material:
    """How a run of faces looks.

    color: RGBA in [0, 1], RGB in sRGB, or None where the file says nothing
    image: (H, W, 3 or 4) uint8, sRGB, row 0 at v = 0; or None
    alpha_cutoff: texels with less alpha than this are holes (leaves, fences); None where alpha is not a cut-out
    """

    color: tuple[float, float, float, float] | None = None
    image: np.ndarray | None = None
    alpha_cutoff: float | None = None

    @property
    def has_color(self) -> bool:
        """Whether it says anything about colour."""
        return self.color is not None or self.image is not None


@dataclass(frozen=True)
class Mesh:
    """Triangles in file units.

    vertices: (V, 3) float32; faces: (F, 3) int32
    vertex_colors: (V, 3 or 4) uint8 or float32 in [0, 1], or None; face_colors: (F, 3 or 4) likewise
    uv: (V, 2) float32, v down as in glTF, or None
    materials: one for each run of faces; face_starts: (P,) first face of each run, ascending
    """

    vertices: np.ndarray
    faces: np.ndarray
    vertex_colors: np.ndarray | None = None
    face_colors: np.ndarray | None = None
    uv: np.ndarray | None = None
    materials: tuple[Material, ...] = ()
    face_starts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def has_color(self) -> bool:
        """Whether the file says anything about colour."""
        if self.vertex_colors is not None or self.face_colors is not None:
            return True
        return any(m.has_color for m in self.materials)

    @property
    def has_holes(self) -> bool:
        """Whether a texture cuts holes into the surface."""
        return any(m.alpha_cutoff is not None and m.image is not None for m in self.materials)

    def moved(self, offset: np.ndarray, scale: float = 1.0) -> Mesh:
        """The same mesh with vertices `(v - offset) * scale`; offset (3,)."""
        vertices = (self.vertices.astype(np.float64) - offset) * scale
        return replace(self, vertices=vertices.astype(np.float32))

    def face_areas(self) -> np.ndarray:
        """(F,) float64, file units squared."""
        a, b, c = (self.vertices[self.faces[:, i]].astype(np.float64) for i in range(3))
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)

    def points_at(self, face_ids: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Positions (K, 3) float32 for face_ids (K,) and barycentric (K, 3)."""
        corners = self.vertices[self.faces[face_ids]].astype(np.float64)  # (K, 3 corners, 3)
        return np.einsum("kc,kcd->kd", barycentric, corners).astype(np.float32)

    def colors_at(self, face_ids: np.ndarray, barycentric: np.ndarray) -> np.ndarray | None:
        """Colours (K, 3) float32 sRGB in [0, 1] for face_ids (K,) and barycentric (K, 3); None without colours."""
        rgba = self.rgba_at(face_ids, barycentric)
        return None if rgba is None else rgba[:, :3]

    def rgba_at(self, face_ids: np.ndarray, barycentric: np.ndarray) -> np.ndarray | None:
        """As `colors_at`, with alpha: (K, 4). Alpha is 0 in the holes of cut-out materials, else what the file says."""
        if not self.has_color:
            return None
        face_ids = np.asarray(face_ids, np.int64)
        barycentric = np.asarray(barycentric, np.float32)
        layers = []  # each (K, 4), multiplied in linear light
        if self.face_colors is not None:
            layers.append(_unit_rgba(self.face_colors[face_ids]))
        if self.vertex_colors is not None:
            corners = _unit_rgba(self.vertex_colors[self.faces[face_ids]])  # (K, 3 corners, 4)
            layers.append(np.einsum("kc,kcd->kd", barycentric, corners))
        cutoff = None
        if self.materials:
            runs = np.searchsorted(self.face_starts, face_ids, side="right") - 1
            layers.extend(self._material_layers(runs, face_ids, barycentric))
            cutoff = np.array([-1.0 if m.alpha_cutoff is None else m.alpha_cutoff for m in self.materials])[runs]
        rgba = layers[0].astype(np.float32) if layers else np.ones((len(face_ids), 4), np.float32)
        if len(layers) > 1:
            linear = np.prod([srgb_to_linear(layer[:, :3]) for layer in layers], axis=0)
            alpha = np.prod([layer[:, 3] for layer in layers], axis=0)
            rgba = np.concatenate([linear_to_srgb(linear), alpha[:, None]], axis=1).astype(np.float32)
        rgba = np.clip(rgba, 0.0, 1.0)
        if cutoff is not None:
            rgba[rgba[:, 3] < cutoff, 3] = 0.0
        return rgba

    def _material_layers(self, runs: np.ndarray, face_ids: np.ndarray, barycentric: np.ndarray) -> list[np.ndarray]:
        layers = []
        colors = np.array([m.color or (1.0, 1.0, 1.0, 1.0) for m in self.materials], np.float32)
        if (colors != 1).any():
            layers.append(colors[runs])
        textured = [i for i, m in enumerate(self.materials) if m.image is not None]
        if textured and self.uv is not None:
            layer = np.ones((len(runs), 4), np.float32)
            uv = np.einsum("kc,kcd->kd", barycentric, self.uv[self.faces[face_ids]])  # (K, 2)
            for i in textured:
                rows = np.flatnonzero(runs == i)
                layer[rows] = _texels(self.materials[i].image, uv[rows])
            layers.append(layer)
        return layers


def sample_surface(mesh: Mesh, count: int, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """`count` points spread over the surface by area, the same for the same seed.

    Stratified along the cumulative area, so that small parts get their share; holes of cut-out textures are left out.
    Returns xyz (count, 3) float32 and rgb (count, 3) float32 or None, in random order.
    """
    rng = np.random.default_rng(seed)
    areas = mesh.face_areas()
    areas = np.where(np.isfinite(areas), areas, 0.0)
    if areas.sum() <= 0:  # every triangle is a line or a dot: all count the same
        areas = np.ones(len(areas))
    has_holes = mesh.has_holes
    drawn = count * 4 if has_holes else count
    cumulative = np.cumsum(areas)
    targets = (np.arange(drawn) + rng.random(drawn)) / drawn * cumulative[-1]
    face_ids = np.minimum(np.searchsorted(cumulative, targets, side="right"), len(areas) - 1)
    root, second = np.sqrt(rng.random(drawn)), rng.random(drawn)
    barycentric = np.stack([1 - root, root * (1 - second), root * second], axis=1)
    order = rng.permutation(drawn)
    face_ids, barycentric = face_ids[order], barycentric[order]
    rgba = mesh.rgba_at(face_ids, barycentric)
    if has_holes:
        solid = np.flatnonzero(rgba[:, 3] > 0)
        solid = np.resize(solid if len(solid) else np.arange(drawn), count)
        face_ids, barycentric, rgba = face_ids[solid], barycentric[solid], rgba[solid]
    return mesh.points_at(face_ids, barycentric), None if rgba is None else np.ascontiguousarray(rgba[:, :3])


def is_watertight(mesh: Mesh, max_faces: int = 400_000) -> bool | None:
    """Whether every edge joins exactly two triangles, vertices at one place being one. None for very large meshes."""
    if len(mesh.faces) == 0 or len(mesh.faces) > max_faces:
        return None
    _, same = distinct_rows(mesh.vertices)
    faces = same[mesh.faces].astype(np.int64)
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    if len(faces) == 0:
        return False
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges[:, 0] * len(mesh.vertices) + edges[:, 1], return_counts=True)
    return bool(np.all(counts == 2))


def distinct_rows(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equal rows of arrays (N, …) side by side: an index of each distinct row, and each row's place among them (N,).

    Rows are told apart by 64 mixed bits, ten times quicker than by sorting them; -0.0 equals 0.0.
    """
    key = np.zeros(len(columns[0]), np.uint64)
    for array in columns:
        array = array.reshape(len(array), -1)
        array = array + array.dtype.type(0) if array.dtype.kind == "f" else array
        words = np.ascontiguousarray(array).view(np.uint8).reshape(len(array), -1)
        words = np.pad(words, ((0, 0), (0, -words.shape[1] % 4))).view(np.uint32)
        for i in range(words.shape[1]):  # the finaliser of splitmix64 after each word
            key = (key ^ words[:, i]) * np.uint64(0x9E3779B97F4A7C15)
            key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            key ^= key >> np.uint64(27)
    _, first, same = np.unique(key, return_index=True, return_inverse=True)
    return first, same.ravel()


def _unit_rgba(colors: np.ndarray) -> np.ndarray:
    """uint8 or float colours (..., 3 or 4) as float32 RGBA in [0, 1]."""
    colors = colors.astype(np.float32) / 255.0 if colors.dtype == np.uint8 else colors.astype(np.float32)
    if colors.shape[-1] == 3:
        colors = np.concatenate([colors, np.ones((*colors.shape[:-1], 1), np.float32)], axis=-1)
    return colors


def _texels(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Nearest texels (K, 4) of image (H, W, 3 or 4) at uv (K, 2), repeated outside [0, 1]."""
    height, width = image.shape[:2]
    uv = np.nan_to_num(uv) % 1.0
    columns = np.minimum((uv[:, 0] * width).astype(np.int64), width - 1)
    rows = np.minimum((uv[:, 1] * height).astype(np.int64), height - 1)
    return _unit_rgba(image[rows, columns])
