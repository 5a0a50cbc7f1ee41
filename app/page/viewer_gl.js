// Draws shapes with WebGL into one canvas that is never shown; whoever wants the picture copies it. So a page may hold
// many views with a single WebGL context. Surfaces are lit; points are discs, lit likewise and darkened where the
// depth jumps (eye-dome lighting, Boucheny 2009). Knows no page and no pointers.
(() => {
  const COLOR = `
    uniform int paintBy; uniform vec3 upward; uniform vec2 reach; uniform vec3 plain;
    vec3 byHeight(vec3 place) {  // night blue, teal, sand, coral, in linear light
      float t = clamp((dot(place, upward) - reach.x) / max(reach.y - reach.x, 1e-6), 0.0, 1.0) * 3.0;
      vec3 a = vec3(0.016, 0.045, 0.150), b = vec3(0.015, 0.255, 0.235), c = vec3(0.880, 0.590, 0.170), d = vec3(0.700, 0.090, 0.045);
      return t < 1.0 ? mix(a, b, t) : t < 2.0 ? mix(b, c, t - 1.0) : mix(c, d, t - 2.0);
    }`;
  const SRGB = `
    vec3 encoded(vec3 linear) {
      linear = clamp(linear, 0.0, 1.0);
      return mix(linear * 12.92, 1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, linear));
    }`;
  const VERTEX = `#version 300 es
    in vec3 position; in vec3 normal; in vec4 color; in vec2 uv;
    uniform mat4 view, projection; uniform float dot_;
    out vec3 eyeNormal; out vec3 eyePosition; out vec3 place; out vec4 paint; out vec2 on;
    void main() {
      vec4 eye = view * vec4(position, 1.0);
      eyePosition = eye.xyz; eyeNormal = mat3(view) * normal; place = position; paint = color; on = uv;
      gl_Position = projection * eye;
      gl_PointSize = clamp(dot_ / gl_Position.w, 1.5, 40.0);
    }`;
  // A lamp over the viewer's left shoulder, a weak one from below right, and sky brighter than ground.
  const LIGHT = `
    float light(vec3 normal, vec3 eye) {
      vec3 n = normalize(normal);
      n = dot(n, -eye) < 0.0 ? -n : n;  // files disagree on which side of a face is out
      float lamp = max(dot(n, normalize(vec3(-0.45, 0.7, 0.75))), 0.0);
      float fill = max(dot(n, normalize(vec3(0.8, -0.3, 0.5))), 0.0);
      return 0.34 + 0.12 * n.y + 0.72 * lamp + 0.14 * fill;
    }`;
  const SURFACE = `#version 300 es
    precision highp float;
    in vec3 eyeNormal; in vec3 eyePosition; in vec3 place; in vec4 paint; in vec2 on;
    uniform sampler2D image; uniform vec4 factor; uniform float cutoff;
    out vec4 shown;
    ${COLOR} ${SRGB} ${LIGHT}
    void main() {
      vec4 base = paint * factor * texture(image, on);
      if (base.a < cutoff) discard;
      if (paintBy == 1) base.rgb = plain;
      if (paintBy == 2) base.rgb = byHeight(place);
      shown = vec4(encoded(base.rgb * light(eyeNormal, eyePosition)), 1.0);
    }`;
  const DOTS = `#version 300 es
    precision highp float;
    in vec3 eyeNormal; in vec3 eyePosition; in vec3 place; in vec4 paint;
    uniform vec4 factor; uniform bool lit;
    out vec4 shown;
    ${COLOR} ${SRGB} ${LIGHT}
    void main() {
      vec2 off = gl_PointCoord - 0.5;
      if (dot(off, off) > 0.25) discard;
      vec3 base = paintBy == 1 ? plain : paintBy == 2 ? byHeight(place) : paint.rgb * factor.rgb;
      shown = vec4(encoded(lit ? base * mix(1.0, light(eyeNormal, eyePosition), 0.6) : base), 1.0);
    }`;
  const WHOLE = `#version 300 es
    void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;
  const EDGES = `#version 300 es
    precision highp float;
    uniform sampler2D colors; uniform highp sampler2D depths; uniform vec2 range; uniform int fine; uniform float width;
    out vec4 shown;
    float logDepth(ivec2 at) {
      float z = texelFetch(depths, clamp(at, ivec2(0), textureSize(depths, 0) - 1), 0).r;
      return z == 1.0 ? 1e3 : log2(range.x * range.y / (range.y - z * (range.y - range.x)));
    }
    void main() {
      vec4 sum = vec4(0.0);
      for (int i = 0; i < fine * fine; i += 1) {
        ivec2 at = ivec2(gl_FragCoord.xy) * fine + ivec2(i % fine, i / fine);
        vec4 color = texelFetch(colors, at, 0), around = vec4(0.0);
        float own = logDepth(at), jump = 0.0, least = 1e3;
        int r = int(width) * fine;
        for (int side = 0; side < 4; side += 1) {
          ivec2 to = at + r * ivec2((side & 1) * (side - 2), (1 - (side & 1)) * (side - 1));
          float nearer = own - logDepth(to);
          jump += max(0.0, nearer);
          least = min(least, nearer);
          around += texelFetch(colors, clamp(to, ivec2(0), textureSize(colors, 0) - 1), 0);
        }
        if (least > 0.04) { color = around / 4.0; jump = 0.0; }  // a gap between points: all around it is nearer
        if (color.a == 0.0) continue;
        sum += vec4(color.rgb * exp(-min(jump, 0.25) * 5.0), 1.0);
      }
      shown = sum / float(fine * fine);
    }`;
  const PLAIN = [0.42, 0.43, 0.42];
  const KEPT = 12;  // shapes on the graphics card; the one not drawn for longest goes first

  let canvas, gl, programs, target, kept = new Map();

  const compile = (vertex, fragment) => {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    ["position", "normal", "color", "uv"].forEach((name, place) => gl.bindAttribLocation(program, place, name));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "no shaders");
    const places = {};
    return { program, at: (name) => (places[name] ??= gl.getUniformLocation(program, name)) };
  };

  // False where this browser can't draw.
  const start = () => {
    if (canvas) return !!gl;
    canvas = document.createElement("canvas");
    gl = canvas.getContext("webgl2", { antialias: true, alpha: true, premultipliedAlpha: true });
    if (!gl) return false;
    const prepare = () => {
      kept = new Map();
      target = null;
      programs = { surface: compile(VERTEX, SURFACE), dots: compile(VERTEX, DOTS), edges: compile(WHOLE, EDGES) };
      gl.enable(gl.DEPTH_TEST);
    };
    prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { prepare(); window.pointllm.redrawAll?.(); });
    return true;
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
  const upload = (part) => {
    const vertices = gl.createVertexArray(), buffers = [];
    gl.bindVertexArray(vertices);
    const put = (kind, values) => {
      buffers.push(gl.createBuffer());
      gl.bindBuffer(kind, buffers.at(-1));
      gl.bufferData(kind, values, gl.STATIC_DRAW);
    };
    ["position", "normal", "color", "uv"].forEach((name, place) => {
      const given = part.attributes[name];
      if (!given) return;
      put(gl.ARRAY_BUFFER, given.values);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, given.width, given.type, !!given.normalized, 0, 0);
    });
    if (part.indices) put(gl.ELEMENT_ARRAY_BUFFER, part.indices.values);
    return { ...part, vertices, buffers, texture: texture(part.image) };
  };
  const release = ({ surface, points }) => {
    for (const part of [...surface, ...points]) {
      gl.deleteVertexArray(part.vertices);
      part.buffers.forEach((buffer) => gl.deleteBuffer(buffer));
      gl.deleteTexture(part.texture);
    }
  };
  const onCard = (shape) => {
    let found = kept.get(shape);
    if (found) kept.delete(shape);
    else found = { surface: shape.surface.map(upload), points: shape.points.map(upload) };
    kept.set(shape, found);
    while (kept.size > KEPT) {
      const [oldest] = kept.keys();
      release(kept.get(oldest));
      kept.delete(oldest);
    }
    return found;
  };

  const offscreen = (width, height) => {
    if (target?.width === width && target.height === height) return target;
    if (target) { gl.deleteFramebuffer(target.frame); gl.deleteTexture(target.colors); gl.deleteTexture(target.depths); }
    const made = (inner, format, type) => {
      const one = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, one);
      gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, format, type, null);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      return one;
    };
    target = { width, height, frame: gl.createFramebuffer(), colors: made(gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE),
      depths: made(gl.DEPTH_COMPONENT24, gl.DEPTH_COMPONENT, gl.UNSIGNED_INT) };
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, target.colors, 0);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.TEXTURE_2D, target.depths, 0);
    return target;
  };

  // Draws `shape` as `look` says ({ view, projection: column-major matrices, near, far, upward, reach, points, color,
  // fine }) at width × height device pixels → the canvas, with the picture in its lower left corner.
  const draw = (shape, look, width, height) => {
    const parts = onCard(shape);
    const dots = look.points ? parts.points : parts.surface.length ? [] : parts.points;
    if (canvas.width < width || canvas.height < height) Object.assign(canvas, { width: Math.max(canvas.width, width), height: Math.max(canvas.height, height) });
    const fine = dots.length && look.fine ? 2 : 1;
    gl.bindFramebuffer(gl.FRAMEBUFFER, dots.length ? offscreen(width * fine, height * fine).frame : null);
    gl.viewport(0, 0, width * fine, height * fine);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const { program, at } = dots.length ? programs.dots : programs.surface;
    gl.useProgram(program);
    gl.uniformMatrix4fv(at("view"), false, look.view);
    gl.uniformMatrix4fv(at("projection"), false, look.projection);
    gl.uniform1i(at("paintBy"), { file: 0, plain: 1, height: 2 }[look.color]);
    gl.uniform3fv(at("upward"), look.upward);
    gl.uniform2fv(at("reach"), look.reach);
    gl.uniform3fv(at("plain"), PLAIN);
    for (const part of dots.length ? dots : parts.surface) {
      gl.bindVertexArray(part.vertices);
      gl.bindTexture(gl.TEXTURE_2D, part.texture);
      gl.uniform4fv(at("factor"), part.factor);
      gl.uniform1f(at("cutoff"), part.cutoff);
      gl.uniform1i(at("lit"), part.attributes.normal ? 1 : 0);
      gl.uniform1f(at("dot_"), (part.spacing ?? 0) * (parts.surface.length ? 1.2 : 2.1) * height * fine * look.projection[5] / 2 * look.scale);
      if (!part.attributes.color) gl.vertexAttrib4f(2, 1, 1, 1, 1);
      if (dots.length) gl.drawArrays(gl.POINTS, 0, part.count);
      else if (part.indices) gl.drawElements(gl.TRIANGLES, part.count, part.indices.type, 0);
      else gl.drawArrays(gl.TRIANGLES, 0, part.count);
    }
    if (dots.length) {
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      gl.viewport(0, 0, width, height);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.disable(gl.DEPTH_TEST);
      gl.bindVertexArray(null);
      const { program: edges, at: place } = programs.edges;
      gl.useProgram(edges);
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, target.depths);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, target.colors);
      gl.uniform1i(place("colors"), 0);
      gl.uniform1i(place("depths"), 1);
      gl.uniform2f(place("range"), look.near, look.far);
      gl.uniform1i(place("fine"), fine);
      gl.uniform1f(place("width"), Math.max(1, Math.round(look.pixelRatio)));
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      gl.enable(gl.DEPTH_TEST);
    }
    return canvas;
  };

  Object.assign((window.pointllm ??= {}), { canDraw: start, drawShape: draw });
})();
