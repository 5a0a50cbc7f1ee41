// Reads a GLB into arrays that can be drawn: triangles and points of all scenes, nodes' transforms applied unless the
// file is a preview of ours (pointllm/inputs/preview.py), whose extras say which axis is up. Draws nothing.
(() => {
  const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
  const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
  const POINTS = 0, TRIANGLES = 4;

  const multiply = (a, b) => Array.from({ length: 16 }, (_, i) => {
    const column = i >> 2, row = i & 3;
    return a[row] * b[column * 4] + a[4 + row] * b[column * 4 + 1] + a[8 + row] * b[column * 4 + 2] + a[12 + row] * b[column * 4 + 3];
  });
  const matrixOf = (node) => {
    if (node.matrix) return node.matrix;
    const [x, y, z, w] = node.rotation ?? [0, 0, 0, 1], [a, b, c] = node.scale ?? [1, 1, 1], [p, q, r] = node.translation ?? [0, 0, 0];
    return [(1 - 2 * (y * y + z * z)) * a, 2 * (x * y + z * w) * a, 2 * (x * z - y * w) * a, 0,
      2 * (x * y - z * w) * b, (1 - 2 * (x * x + z * z)) * b, 2 * (y * z + x * w) * b, 0,
      2 * (x * z + y * w) * c, 2 * (y * z - x * w) * c, (1 - 2 * (x * x + y * y)) * c, 0, p, q, r, 1];
  };
  const moved = (values, m, w) => {
    const out = new Float32Array(values.length);
    for (let i = 0; i < values.length; i += 3) {
      const [x, y, z] = [values[i], values[i + 1], values[i + 2]];
      for (let row = 0; row < 3; row += 1) out[i + row] = m[row] * x + m[4 + row] * y + m[8 + row] * z + m[12 + row] * w;
    }
    return out;
  };
  const flatNormals = (positions, indices) => {
    const out = new Float32Array(positions.length);
    const count = indices ? indices.length : positions.length / 3;
    for (let i = 0; i + 2 < count; i += 3) {
      const [a, b, c] = [0, 1, 2].map((k) => 3 * (indices ? indices[i + k] : i + k));
      const u = [0, 1, 2].map((k) => positions[b + k] - positions[a + k]), v = [0, 1, 2].map((k) => positions[c + k] - positions[a + k]);
      const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
      for (const corner of [a, b, c]) for (let k = 0; k < 3; k += 1) out[corner + k] += n[k];
    }
    return out;
  };

  // Distance to the fourth nearest point, the median over some of them: how large a dot must be to close the gaps.
  const spacing = (positions) => {
    const count = positions.length / 3, found = [];
    for (let s = 0; s < 60 && count > 4; s += 1) {
      const i = 3 * Math.floor((s + 0.5) / 60 * count), near = [Infinity, Infinity, Infinity, Infinity];
      for (let j = 0; j < positions.length; j += 3) {
        if (j === i) continue;
        const d = (positions[j] - positions[i]) ** 2 + (positions[j + 1] - positions[i + 1]) ** 2 + (positions[j + 2] - positions[i + 2]) ** 2;
        if (d >= near[3] || d === 0) continue;
        near[3] = d;
        near.sort((one, other) => one - other);
      }
      if (isFinite(near[3])) found.push(near[3]);
    }
    found.sort((one, other) => one - other);
    return Math.sqrt(found[found.length >> 1] ?? 0) || 0.01;
  };

  // → { surface: [part…], points: [part…], low, high: corners of the box, size, scale, up, colored, faces, drawnPoints }
  const read = async (buffer) => {
    const header = new DataView(buffer);
    if (header.getUint32(0, true) !== 0x46546c67) throw new Error("the preview is not a GLB");
    const length = header.getUint32(12, true);
    const json = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
    const base = 20 + length + 8;
    const array = (index) => {
      const accessor = json.accessors[index], view = json.bufferViews[accessor.bufferView];
      const width = WIDTHS[accessor.type], Kind = ARRAYS[accessor.componentType];
      const from = base + (view.byteOffset ?? 0) + (accessor.byteOffset ?? 0), packed = width * Kind.BYTES_PER_ELEMENT;
      const stride = view.byteStride ?? packed;
      let values;
      if (stride === packed && from % Kind.BYTES_PER_ELEMENT === 0) {
        values = new Kind(buffer, from, accessor.count * width);
      } else {  // interleaved with others, or at an odd place
        const bytes = new Uint8Array(accessor.count * packed);
        for (let i = 0; i < accessor.count; i += 1) bytes.set(new Uint8Array(buffer, from + i * stride, packed), i * packed);
        values = new Kind(bytes.buffer);
      }
      return { values, width, type: accessor.componentType, normalized: !!accessor.normalized };
    };
    const images = await Promise.all((json.images ?? []).map((image) => {
      const view = json.bufferViews[image.bufferView];
      const bytes = new Uint8Array(buffer, base + (view.byteOffset ?? 0), view.byteLength);
      return createImageBitmap(new Blob([bytes], { type: image.mimeType }));
    }));
    const extras = json.scenes?.[json.scene ?? 0]?.extras ?? {};
    const shape = { surface: [], points: [] };

    const add = (primitive, matrix) => {
      const mode = primitive.mode ?? TRIANGLES;
      if ((mode !== POINTS && mode !== TRIANGLES) || primitive.attributes.POSITION === undefined) return;
      const indices = primitive.indices === undefined ? null : array(primitive.indices);
      const positions = matrix ? moved(array(primitive.attributes.POSITION).values, matrix, 1) : array(primitive.attributes.POSITION).values;
      const has = (name) => primitive.attributes[name] !== undefined;
      const normals = !has("NORMAL") ? (mode === POINTS ? null : flatNormals(positions, indices?.values))
        : matrix ? moved(array(primitive.attributes.NORMAL).values, matrix, 0) : array(primitive.attributes.NORMAL).values;
      const material = json.materials?.[primitive.material] ?? {}, pbr = material.pbrMetallicRoughness ?? {};
      const part = {
        attributes: { position: { values: positions, width: 3, type: 5126 } }, indices,
        count: indices ? indices.values.length : positions.length / 3,
        image: pbr.baseColorTexture && has("TEXCOORD_0") ? images[json.textures[pbr.baseColorTexture.index].source] : null,
        factor: pbr.baseColorFactor ?? [1, 1, 1, 1], cutoff: material.alphaMode === "MASK" ? material.alphaCutoff ?? 0.5 : -1,
      };
      if (normals) part.attributes.normal = { values: normals, width: 3, type: 5126 };
      if (has("COLOR_0")) part.attributes.color = array(primitive.attributes.COLOR_0);
      if (has("TEXCOORD_0")) part.attributes.uv = array(primitive.attributes.TEXCOORD_0);
      (mode === POINTS ? shape.points : shape.surface).push(part);
    };
    const visit = (index, above) => {
      const node = json.nodes[index], matrix = extras.up ? null : multiply(above, matrixOf(node));
      if (node.mesh !== undefined) json.meshes[node.mesh].primitives.forEach((primitive) => add(primitive, matrix));
      (node.children ?? []).forEach((child) => visit(child, matrix ?? above));
    };
    const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const scenes = extras.up ? json.scenes : [json.scenes[json.scene ?? 0]];
    for (const scene of scenes) (scene.nodes ?? []).forEach((node) => visit(node, identity));

    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (const part of shape.surface.length ? shape.surface : shape.points) {
      const { values } = part.attributes.position;
      for (let i = 0; i < values.length; i += 1) {
        if (values[i] < low[i % 3]) low[i % 3] = values[i];
        if (values[i] > high[i % 3]) high[i % 3] = values[i];
      }
    }
    if (!(low[0] <= high[0])) throw new Error("the preview holds nothing to draw");
    for (const part of shape.points) part.spacing = spacing(part.attributes.position.values);
    const size = high.map((end, axis) => end - low[axis]), longest = Math.max(...size) || 1;
    const colored = extras.colored ?? [...shape.surface, ...shape.points].some((part) => part.attributes.color || part.image);
    return { ...shape, low, high, longest, size: extras.size ?? size, scale: extras.scale ?? longest, up: extras.up ?? "y",
      colored, faces: extras.faces, drawnPoints: extras.points };
  };

  (window.pointllm ??= {}).readGlb = read;
})();
