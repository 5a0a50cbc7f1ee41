"""COLLADA 1.4 and 1.5 (`.dae`): the visual scene with transforms, skins in bind pose, diffuse colours and textures.

Left out: animation, splines, and shading beyond the diffuse channel of the common profile.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ...errors import InputError
from ..mesh import Material
from .geometry import MAX_TEXTURES, Geometry, SceneBuilder, beside, logger, read_text, read_texture
from .numbers import numbers_of
from .ply import fan
from .safe_xml import parse_tree

MAX_DEPTH = 100
MAX_INSTANCES = 50_000


def read(path: Path) -> Geometry:
    """The scene as one Geometry; up axis as the file says (y where it says nothing)."""
    data = read_text(path)
    if b"COLLADA" not in data[:4096] and b"C\0O\0L\0L\0A\0D\0A" not in data[:8192]:
        raise InputError(f"{path.name}: not a COLLADA file; export it again as .dae")
    return _Document(path, parse_tree(path, data)).geometry()


class _Document:
    def __init__(self, path: Path, root: Element) -> None:
        self.path, self.root = path, root
        self.by_id = {e.get("id"): e for e in root.iter() if e.get("id")}
        self.scene = SceneBuilder(path)
        self.materials: dict[str, Material] = {}
        self.images: dict[str, np.ndarray | None] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.instances = 0

    def geometry(self) -> Geometry:
        scene = self._target(self.root.find("scene/instance_visual_scene"))
        if scene is None:
            scene = self.root.find("library_visual_scenes/visual_scene")
        if scene is not None:
            for node in scene.findall("node"):
                self._node(node, np.eye(4), 0)
        if not self.scene.parts:
            for geometry in self.root.iterfind("library_geometries/geometry"):
                self._mesh(geometry, np.eye(4), {})
        up = (self.root.findtext("asset/up_axis") or "Y_UP").strip()
        return self.scene.build(up_axis={"Y_UP": "y", "Z_UP": "z"}.get(up))

    def _target(self, element: Element | None, attribute: str = "url") -> Element | None:
        """The element of this document that a `#id` reference names; references to other documents are not followed."""
        reference = "" if element is None else element.get(attribute, "")
        return self.by_id.get(reference[1:]) if reference.startswith("#") else None

    def _node(self, node: Element, parent: np.ndarray, depth: int) -> None:
        self.instances += 1
        if depth > MAX_DEPTH or self.instances > MAX_INSTANCES:
            raise InputError(f"{self.path.name}: its nodes are nested too deeply or too often; export it again")
        world = parent @ self._matrix(node)
        for child in node:
            if child.tag == "node":
                self._node(child, world, depth + 1)
            elif child.tag == "instance_node" and (target := self._target(child)) is not None:
                self._node(target, world, depth + 1)
            elif child.tag == "instance_geometry" and (target := self._target(child)) is not None:
                self._mesh(target, world, _bindings(child))
            elif child.tag == "instance_controller" and (target := self._target(child)) is not None:
                skin = target.find("skin")
                geometry = None if skin is None else self._target(skin, "source")
                if geometry is not None:
                    # in bind pose the joints cancel out, and with them the nodes above
                    shape = skin.findtext("bind_shape_matrix")
                    bind = np.eye(4) if not shape else self._numbers(shape).reshape(4, 4)
                    self._mesh(geometry, bind, _bindings(child))

    def _matrix(self, node: Element) -> np.ndarray:
        """(4, 4): the node's transforms, multiplied in the order in which they are written."""
        matrix = np.eye(4)
        for child in node:
            step = np.eye(4)
            if child.tag not in ("matrix", "translate", "scale", "rotate"):
                continue
            values = self._numbers(child.text or "")
            if child.tag == "matrix":
                step = values.reshape(4, 4)
            elif child.tag == "translate":
                step[:3, 3] = values
            elif child.tag == "scale":
                step[:3, :3] = np.diag(values)
            elif np.linalg.norm(values[:3]) > 0:
                x, y, z = values[:3] / np.linalg.norm(values[:3])
                cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
                angle = np.radians(values[3])  # Rodrigues' formula
                step[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
            matrix = matrix @ step
        return matrix

    def _mesh(self, geometry: Element, world: np.ndarray, bindings: dict[str, str]) -> None:
        mesh = geometry.find("mesh")
        for group in [] if mesh is None else mesh:
            if group.tag in ("triangles", "polylist", "polygons", "tristrips", "trifans"):
                self._group(group, world, bindings)

    def _group(self, group: Element, world: np.ndarray, bindings: dict[str, str]) -> None:
        """One run of polygons of one material; each corner becomes a vertex, equal ones are joined."""
        inputs = self._inputs(group)
        if "POSITION" not in inputs:
            return
        stride = max([int(e.get("offset", 0)) for e in group.findall("input")], default=0) + 1
        faces, table = self._corners(group, stride)
        if len(faces) == 0:
            return
        material = self._material(bindings.get(group.get("material", ""), group.get("material", "")))
        wanted = ["POSITION"] + [s for s in ("COLOR", "TEXCOORD") if s in inputs]
        if material.image is None and "TEXCOORD" in wanted:
            wanted.remove("TEXCOORD")
        index = np.stack([table[:, inputs[s][0]] for s in wanted], axis=1)  # (corners, inputs)
        for column, semantic in enumerate(wanted):
            values = inputs[semantic][1]
            if index[:, column].max() >= len(values) or index[:, column].min() < 0:
                worst = int(index[:, column].max())
                raise InputError(f"{self.path.name}: a polygon refers to {semantic.lower()} {worst} of {len(values)}; "
                                 "the file is damaged, export it again")
        keys = np.zeros(len(index), np.int64)
        for column, semantic in enumerate(wanted):
            keys = keys * len(inputs[semantic][1]) + index[:, column]
        _, first, same = np.unique(keys, return_index=True, return_inverse=True)
        rows = {s: inputs[s][1][index[first, i]] for i, s in enumerate(wanted)}
        positions = rows["POSITION"][:, :3] @ world[:3, :3].T + world[:3, 3]
        colors = rows["COLOR"][:, :4].astype(np.float32) if "COLOR" in rows else None
        uv = rows["TEXCOORD"][:, :2].astype(np.float32) if "TEXCOORD" in rows else None
        if uv is not None:
            uv[:, 1] = 1 - uv[:, 1]  # COLLADA counts v upwards
        if colors is not None:  # exporters write both; the vertex colours are the finer ones
            material = Material(image=material.image)
        self.scene.add(positions, same.reshape(-1)[faces], material, vertex_colors=colors, uv=uv)

    def _inputs(self, group: Element) -> dict[str, tuple[int, np.ndarray]]:
        """Semantic → (offset of its index, values (K, columns)); of several sets the first."""
        inputs: dict[str, tuple[int, np.ndarray]] = {}
        for entry in group.findall("input"):
            target = self._target(entry, "source")
            if target is None:
                continue
            offset = int(entry.get("offset", 0))
            if entry.get("semantic") == "VERTEX":  # stands for the inputs of <vertices>
                for inner in target.findall("input"):
                    source = self._target(inner, "source")
                    if source is not None:
                        inputs.setdefault(inner.get("semantic", ""), (offset, self._source(source)))
            else:
                inputs.setdefault(entry.get("semantic", ""), (offset, self._source(target)))
        return inputs

    def _source(self, source: Element) -> np.ndarray:
        """(K, columns) float64 of a <source>."""
        key = source.get("id", "")
        if key not in self.arrays:
            values = self._numbers(source.findtext("float_array") or "")
            accessor = source.find("technique_common/accessor")
            stride = max(int(accessor.get("stride", 1)) if accessor is not None else 3, 1)
            self.arrays[key] = values[:len(values) // stride * stride].reshape(-1, stride)
        return self.arrays[key]

    def _corners(self, group: Element, stride: int) -> tuple[np.ndarray, np.ndarray]:
        """Triangles (F, 3) over corners, and the corners' indices (C, stride)."""
        runs = [self._numbers(p.text or "").astype(np.int64) for p in group.iter("p")]
        if not runs:
            return np.zeros((0, 3), np.int64), np.zeros((0, stride), np.int64)
        tables = [run[:len(run) // stride * stride].reshape(-1, stride) for run in runs]
        table = np.concatenate(tables)
        starts = np.cumsum([0, *map(len, tables)])
        if group.tag == "triangles":
            return np.arange(len(table) // 3 * 3).reshape(-1, 3), table
        if group.tag == "polylist":
            sizes = self._numbers(group.findtext("vcount") or "").astype(np.int64)
            if sizes.sum() > len(table):
                raise InputError(f"{self.path.name}: its polygons need {int(sizes.sum())} corners of {len(table)}; "
                                 "the file is damaged, export it again")
            starts = np.cumsum([0, *sizes])
        if group.tag == "tristrips":
            strips = [np.arange(a, b) for a, b in zip(starts[:-1], starts[1:], strict=True) if b - a >= 3]
            return np.concatenate([np.stack([s[:-2], s[1:-1], s[2:]], axis=1) for s in strips]
                                  or [np.zeros((0, 3), np.int64)]), table
        sizes = np.diff(starts)
        polygons = [starts[:-1][sizes == n][:, None] + np.arange(n) for n in np.unique(sizes) if n >= 3]
        return np.concatenate([fan(p)[0] for p in polygons] or [np.zeros((0, 3), np.int64)]), table

    def _numbers(self, text: str) -> np.ndarray:
        return numbers_of(self.path, text)

    def _material(self, name: str) -> Material:
        if name not in self.materials:
            material = self.by_id.get(name)
            effect = None if material is None else self._target(material.find("instance_effect"))
            self.materials[name] = Material() if effect is None else self._effect(effect)
        return self.materials[name]

    def _effect(self, effect: Element) -> Material:
        """Diffuse colour, taken as sRGB, or diffuse texture of an effect."""
        diffuse = next(effect.iter("diffuse"), None)
        if diffuse is None:
            return Material()
        texture = diffuse.find("texture")
        if texture is not None:
            image = self._image(effect, texture.get("texture", ""))
            return Material(image=image) if image is not None else Material()
        color = self._numbers(diffuse.findtext("color") or "")
        return Material(color=(*(float(min(max(c, 0), 1)) for c in color[:3]), 1.0)) if len(color) >= 3 else Material()

    def _image(self, effect: Element, sampler: str) -> np.ndarray | None:
        """The texture behind a sampler: sampler → surface → image → file beside this one."""
        parameters = {p.get("sid"): p for p in effect.iter("newparam")}
        name = sampler
        for _ in range(3):
            entry = parameters.get(name)
            if entry is None:
                break
            instance = next(entry.iter("instance_image"), None)
            reference = next((e.text for tag in ("source", "init_from") for e in entry.iter(tag)), None)
            name = instance.get("url", "")[1:] if instance is not None else (reference or "").strip()
        element = self.by_id.get(name)
        if element is None:
            return None
        texts = [(e.text or "").strip() for e in element.iter() if e.tag in ("init_from", "ref")]
        reference = next((t for t in texts if t), "")
        if reference not in self.images and len(self.images) < MAX_TEXTURES:
            target = beside(self.path, reference.removeprefix("file://"))
            if target is None:
                logger.warning("%s: texture %r is not in its folder", self.path.name, reference[:80])
            self.images[reference] = None if target is None else read_texture(target, reference)
        return self.images.get(reference)


def _bindings(instance: Element) -> dict[str, str]:
    """Symbols that polygons use for materials → ids of the materials."""
    entries = instance.iter("instance_material")
    return {e.get("symbol", ""): e.get("target", "").removeprefix("#") for e in entries}
