// A small viewer of 3D shapes: draws the GLB that the server wrote for an upload (pointllm/inputs/preview.py) into
// every element with class "shape-view" and a data-src. One canvas for the whole page, moved to where it is needed;
// drawn only when something changed. Understands that subset of glTF and no more: one node, triangles, colours,
// one texture a material. Drag turns, the wheel or two fingers zoom, Shift or the right button moves, a double click
// resets; arrow keys, + and - do the same.
(() => {
  const VERTEX = `#version 300 es
    in vec3 position; in vec3 normal; in vec4 color; in vec2 uv;
    uniform mat4 view, projection;
    out vec3 eyeNormal; out vec3 eyePosition; out vec4 paint; out vec2 place;
    void main() {
      vec4 eye = view * vec4(position, 1.0);
      eyePosition = eye.xyz; eyeNormal = mat3(view) * normal; paint = color; place = uv;
      gl_Position = projection * eye;
    }`;
  // Light: a lamp over the viewer's left shoulder, a weak one from below right, and sky brighter than ground.
  const FRAGMENT = `#version 300 es
    precision highp float;
    in vec3 eyeNormal; in vec3 eyePosition; in vec4 paint; in vec2 place;
    uniform sampler2D image; uniform vec4 factor; uniform float cutoff; uniform bool unlit;
    out vec4 shown;
    void main() {
      vec4 base = paint * factor * texture(image, place);
      if (base.a < cutoff) discard;
      vec3 light = vec3(1.0);
      if (!unlit) {
        vec3 n = normalize(eyeNormal);
        n = dot(n, -eyePosition) < 0.0 ? -n : n;  // files disagree on which side of a face is out
        float lamp = max(dot(n, normalize(vec3(-0.45, 0.7, 0.75))), 0.0);
        float fill = max(dot(n, normalize(vec3(0.8, -0.3, 0.5))), 0.0);
        light = vec3(0.34 + 0.12 * n.y + 0.72 * lamp + 0.14 * fill);
      }
      vec3 linear = base.rgb * light;
      shown = vec4(mix(linear * 12.92, 1.055 * pow(max(linear, 0.0), vec3(1.0 / 2.4)) - 0.055,
                       step(0.0031308, linear)), 1.0);
    }`;
  const START = { yaw: 0.7, pitch: 0.35, zoom: 1, x: 0, y: 0, zUp: false };
  const FIELD = Math.PI / 6;
  const ARRAYS = { 5121: Uint8Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
  const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
  const PLACES = { POSITION: "position", NORMAL: "normal", COLOR_0: "color", TEXCOORD_0: "uv" };

  let canvas, gl, program, parts = [], radius = 1, loaded = "", camera = { ...START }, waiting = false;

  const start = () => {
    canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: true });
    if (!gl) return;
    program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.enable(gl.DEPTH_TEST);
    listen();
    new ResizeObserver(redraw).observe(canvas);
  };

  // -- reading -------------------------------------------------------------------------------------------------------

  const unpack = (buffer) => {
    const header = new DataView(buffer);
    const length = header.getUint32(12, true);
    const json = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
    return { json, offset: 20 + length + 8 };
  };

  const load = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} for the preview`);
    const buffer = await response.arrayBuffer();
    const { json, offset } = unpack(buffer);
    const array = (index) => {
      const accessor = json.accessors[index];
      const from = offset + (json.bufferViews[accessor.bufferView].byteOffset ?? 0);
      return { accessor, values: new ARRAYS[accessor.componentType](buffer, from, accessor.count * WIDTHS[accessor.type]) };
    };
    const images = await Promise.all((json.images ?? []).map((image) => {
      const view = json.bufferViews[image.bufferView];
      const bytes = new Uint8Array(buffer, offset + (view.byteOffset ?? 0), view.byteLength);
      return createImageBitmap(new Blob([bytes], { type: image.mimeType }));
    }));
    return { json, array, images };
  };

  const texture = (image) => {
    const made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    if (image) gl.texImage2D(gl.TEXTURE_2D, 0, gl.SRGB8_ALPHA8, gl.RGBA, gl.UNSIGNED_BYTE, image);
    else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4).fill(255));
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    return made;
  };

  const upload = ({ json, array, images }) => {
    for (const part of parts) {
      gl.deleteVertexArray(part.vertices);
      part.buffers.forEach((buffer) => gl.deleteBuffer(buffer));
      gl.deleteTexture(part.texture);
    }
    let reach = 0;
    parts = json.meshes[0].primitives.map((primitive) => {
      const vertices = gl.createVertexArray(), buffers = [];
      gl.bindVertexArray(vertices);
      const put = (target, values) => {
        buffers.push(gl.createBuffer());
        gl.bindBuffer(target, buffers.at(-1));
        gl.bufferData(target, values, gl.STATIC_DRAW);
      };
      for (const [name, index] of Object.entries(primitive.attributes)) {
        const place = gl.getAttribLocation(program, PLACES[name]);
        if (place < 0) continue;
        const { accessor, values } = array(index);
        put(gl.ARRAY_BUFFER, values);
        gl.enableVertexAttribArray(place);
        gl.vertexAttribPointer(place, WIDTHS[accessor.type], accessor.componentType, !!accessor.normalized, 0, 0);
        if (name === "POSITION") {
          for (let i = 0; i < values.length; i += 3) {
            reach = Math.max(reach, values[i] ** 2 + values[i + 1] ** 2 + values[i + 2] ** 2);
          }
        }
      }
      const indices = array(primitive.indices);
      put(gl.ELEMENT_ARRAY_BUFFER, indices.values);
      const material = json.materials[primitive.material];
      const pbr = material.pbrMetallicRoughness;
      const image = pbr.baseColorTexture ? images[json.textures[pbr.baseColorTexture.index].source] : null;
      return {
        vertices, buffers, texture: texture(image), count: indices.values.length, type: indices.accessor.componentType,
        colored: "COLOR_0" in primitive.attributes, factor: pbr.baseColorFactor ?? [1, 1, 1, 1],
        cutoff: material.alphaMode === "MASK" ? material.alphaCutoff ?? 0.5 : -1,
        unlit: !!material.extensions?.KHR_materials_unlit,
      };
    });
    radius = Math.sqrt(reach) || 1;
  };

  // -- drawing -------------------------------------------------------------------------------------------------------

  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };

  const draw = () => {
    const scale = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const aspect = width / height, cot = 1 / Math.tan(FIELD / 2);
    const distance = camera.zoom * radius * 1.1 / Math.sin(FIELD / 2) / Math.min(1, aspect);
    const near = Math.max(distance - 3 * radius, distance * 0.02), far = distance + 3 * radius;
    const [cy, sy, cp, sp] = [Math.cos(camera.yaw), Math.sin(camera.yaw), Math.cos(camera.pitch), Math.sin(camera.pitch)];
    // Column by column; its rows are the eye's right, up and back, then the shape is moved across and away.
    const view = [cy, -sy * sp, sy * cp, 0, 0, cp, sp, 0, -sy, -cy * sp, cy * cp, 0, camera.x, camera.y, -distance, 1];
    if (camera.zUp) {  // the file's z becomes up: its y points away
      const [up, away] = [view.slice(4, 7), view.slice(8, 11)];
      for (let row = 0; row < 3; row += 1) { view[4 + row] = -away[row]; view[8 + row] = up[row]; }
    }
    const projection = [cot / aspect, 0, 0, 0, 0, cot, 0, 0, 0, 0, (far + near) / (near - far), -1,
      0, 0, 2 * far * near / (near - far), 0];
    const at = (name) => gl.getUniformLocation(program, name);
    gl.uniformMatrix4fv(at("view"), false, view);
    gl.uniformMatrix4fv(at("projection"), false, projection);
    for (const part of parts) {
      gl.bindVertexArray(part.vertices);
      gl.bindTexture(gl.TEXTURE_2D, part.texture);
      gl.uniform4fv(at("factor"), part.factor);
      gl.uniform1f(at("cutoff"), part.cutoff);
      gl.uniform1i(at("unlit"), part.unlit);
      if (!part.colored) gl.vertexAttrib4f(gl.getAttribLocation(program, "color"), 1, 1, 1, 1);
      gl.drawElements(gl.TRIANGLES, part.count, part.type, 0);
    }
  };

  // -- turning -------------------------------------------------------------------------------------------------------

  const turn = (dx, dy) => {
    camera.yaw += dx;
    camera.pitch = Math.max(-1.55, Math.min(1.55, camera.pitch + dy));
    redraw();
  };
  const zoom = (by) => { camera.zoom = Math.max(0.15, Math.min(5, camera.zoom * by)); redraw(); };
  const move = (dx, dy) => {
    const unit = 2.2 * radius * camera.zoom / canvas.clientHeight;
    camera.x += dx * unit;
    camera.y -= dy * unit;
    redraw();
  };
  const reset = () => { camera = { ...START }; redraw(); };

  const listen = () => {
    const fingers = new Map();
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
    }
    canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
      if (fingers.size === 2) {
        const [other] = [...fingers.values()].filter((finger) => finger.pointerId !== event.pointerId);
        const span = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
        zoom(span(before) / span(event));
        move(dx / 2, dy / 2);
      } else if (event.shiftKey || event.buttons & 2) {
        move(dx, dy);
      } else {
        turn(-dx * 0.01, dy * 0.01);
      }
      fingers.set(event.pointerId, event);
    });
    canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(event.deltaY * 0.001)); }, { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("dblclick", reset);
    const keys = { ArrowLeft: () => turn(0.1, 0), ArrowRight: () => turn(-0.1, 0), ArrowUp: () => turn(0, -0.1),
      ArrowDown: () => turn(0, 0.1), "+": () => zoom(0.9), "=": () => zoom(0.9), "-": () => zoom(1.1), Home: reset };
    canvas.addEventListener("keydown", (event) => {
      if (!(event.key in keys)) return;
      event.preventDefault();
      keys[event.key]();
    });
  };

  // -- where to draw -------------------------------------------------------------------------------------------------

  const show = async (place) => {
    const url = new URL(place.dataset.src, document.baseURI).href;
    if (!canvas) start();
    if (!gl) { place.dataset.state = "impossible"; return; }
    canvas.setAttribute("aria-label", place.getAttribute("aria-label") ?? "");
    if (canvas.parentElement !== place) place.append(canvas);
    if (url === loaded) { place.dataset.state = "shown"; redraw(); return; }
    loaded = url;
    place.dataset.state = "loading";
    try {
      const shape = await load(url);
      if (loaded !== url) return;  // another one was asked for meanwhile
      upload(shape);
      camera = { ...START };
      draw();
      place.dataset.state = "shown";
    } catch (error) {
      console.error(error);
      loaded = "";
      place.dataset.state = "failed";
    }
  };
  const look = () => {
    const place = document.querySelector(".shape-view[data-src]");
    if (place && (!place.contains(canvas ?? null) || new URL(place.dataset.src, document.baseURI).href !== loaded)
        && place.dataset.state !== "failed" && place.dataset.state !== "impossible") show(place);
  };
  document.addEventListener("click", (event) => {
    const tool = event.target.closest?.(".shape-view [data-tool]");
    if (tool?.dataset.tool === "reset") reset();
    if (tool?.dataset.tool === "up") { camera.zUp = !camera.zUp; redraw(); }
    if (tool?.dataset.tool === "fullscreen") {
      if (document.fullscreenElement) document.exitFullscreen();
      else tool.closest(".shape-view").requestFullscreen();
    }
  });
  const watch = () => {
    look();
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ["data-src"] });
  };
  // Gradio may add this script to a page that has loaded already.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
