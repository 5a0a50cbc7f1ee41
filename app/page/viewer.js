// Interactive views of 3D shapes: every element of class "shape-view" with a data-src (the address of a GLB) gets a
// canvas, and a toolbar where data-words names its buttons (app/shape_view.py). Drag turns, the wheel or two fingers
// zoom, Shift, the right button or two fingers move, a double click resets; keys do all of it too. Reading is
// viewer_glb.js, drawing viewer_gl.js, the ruled box viewer_scale.js; this file knows elements, pointers and keys.
(() => {
  const FIELD = Math.PI / 6;
  const START = { yaw: 0.7, pitch: 0.35, zoom: 1, x: 0, y: 0 };
  const TOWARDS = { x: [[0, -1, 0], [1, 0, 0], [0, 0, 1]], y: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], z: [[1, 0, 0], [0, 0, 1], [0, -1, 0]] };
  const RESTED = 160;  // milliseconds without a move, after which points are drawn finely
  const icon = (paths) => `<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths}</svg>`;
  const dots = [[7, 7], [12, 5], [17, 8], [5, 12], [11, 11], [18, 13], [8, 17], [14, 17]].map(([x, y]) => `<circle cx="${x}" cy="${y}" r="1.1" fill="currentColor" stroke="none"/>`).join("");
  const ICONS = {
    points: icon(dots),
    color: icon('<path d="M12 3.5c-4 4.6-6 7.700-6 10.300a6 6 0 0 0 12 0c0-2.600-2-5.700-6-10.300z"/><path d="M9 14a3 3 0 0 0 3 3"/>'),
    axes: icon('<path d="M5 4v15h15"/><path d="M5 19 11 13M9 19v-2M13 19v-2M17 19v-2M5 15h2M5 11h2M5 7h2"/>'),
    reset: icon('<path d="M4.500 12a7.500 7.500 0 1 0 2.300-5.400"/><path d="M4.500 4.500v3.800h3.800"/>'),
    fullscreen: icon('<path d="M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5"/>'),
  };
  const KEYS = { points: "P", color: "C", axes: "A", up: "U", reset: "Home", fullscreen: "F" };
  const COLORS = ["file", "height", "plain"];

  const views = new Map();  // element → View
  const shapes = new Map();  // address → promise of a shape
  const cameras = new Map();  // address → what its view was left with: a page redrawn in another language keeps it
  const liking = { axes: true, color: "", points: false };  // holds for the next file too

  const load = (url) => {
    if (!shapes.has(url)) {
      const loading = fetch(url).then((response) => {
        if (!response.ok) throw new Error(`${response.status} for the preview`);
        return response.arrayBuffer();
      }).then(window.pointllm.readGlb);
      loading.catch(() => shapes.delete(url));
      shapes.set(url, loading);
      if (shapes.size > 12) shapes.delete(shapes.keys().next().value);
    }
    return shapes.get(url);
  };

  class View {
    constructor(place) {
      this.place = place;
      this.words = JSON.parse(place.dataset.words || "{}");
      this.canvas = document.createElement("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "application");
      if (this.words.role) this.canvas.setAttribute("aria-roledescription", this.words.role);
      this.canvas.setAttribute("aria-label", place.dataset.label ?? place.getAttribute("aria-label") ?? "3D");
      this.canvas.setAttribute("aria-keyshortcuts", Object.values(KEYS).join(" "));
      this.pen = this.canvas.getContext("2d");
      place.append(this.canvas);
      if (place.dataset.words) this.addTools();
      this.listen();
      this.resized = new ResizeObserver(() => this.redraw());
      this.resized.observe(this.canvas);
      this.show();
    }

    // -- the shape ---------------------------------------------------------------------------------------------------

    async show() {
      const url = this.url = this.place.dataset.src;
      this.state(window.pointllm.canDraw() ? "loading" : "impossible");
      if (this.place.dataset.state === "impossible") return;
      try {
        const shape = await load(new URL(url, document.baseURI).href);
        if (this.url !== url) return;  // another one was asked for meanwhile
        this.shape = shape;
        const kept = cameras.get(url);
        this.camera = kept ?? { ...START, up: shape.up };
        this.points = liking.points || !shape.surface.length;
        this.color = liking.color || (shape.colored ? "file" : shape.surface.length ? "plain" : "height");
        if (this.color === "file" && !shape.colored) this.color = "plain";
        const centre = shape.low.map((low, axis) => (low + shape.high[axis]) / 2);
        this.centre = centre;
        this.half = shape.low.map((low, axis) => (shape.high[axis] - low) / 2 / shape.longest);
        this.radius = Math.hypot(...this.half) || 1;
        this.draw(true);
        this.refreshTools();
        this.state("shown");
      } catch (error) {
        console.error(error);
        this.state("failed");
      }
    }
    state(name) {
      this.place.dataset.state = name;
      this.place.toggleAttribute("aria-busy", name === "loading");
      if (this.note) this.note.textContent = name === "failed" || name === "impossible" ? this.words.failed : name === "loading" ? this.words.loading : this.part();
    }
    // What share of the file is drawn, where it is not all of it.
    part() {
      const { shape, words } = this;
      const counts = this.points ? shape.drawnPoints : shape.faces;
      if (!counts || counts[0] >= counts[1]) return "";
      const [shown, total] = counts.map((count) => count.toLocaleString(document.documentElement.lang || undefined));
      return (this.points ? words.partPoints : words.partFaces).replace("{shown}", shown).replace("{total}", total);
    }

    // -- drawing -----------------------------------------------------------------------------------------------------

    redraw() {
      if (this.waiting || !this.shape) return;
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        this.draw(!this.points);
        clearTimeout(this.resting);
        if (this.points) this.resting = setTimeout(() => requestAnimationFrame(() => this.draw(true)), RESTED);
      });
    }
    // Rows of the eye's right, up and back directions in the file's axes.
    axes() {
      const { yaw, pitch, up } = this.camera;
      const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
      const eye = [[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]], turn = TOWARDS[up];
      return eye.map((row) => [0, 1, 2].map((k) => row[0] * turn[0][k] + row[1] * turn[1][k] + row[2] * turn[2][k]));
    }
    draw(fine) {
      const { canvas, pen, shape, camera, half, radius } = this;
      const ratio = Math.min(devicePixelRatio || 1, 2), [across, down] = [canvas.clientWidth, canvas.clientHeight];
      const width = Math.round(across * ratio), height = Math.round(down * ratio);
      if (!shape || !width || !height) return;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const ruled = liking.axes && this.place.dataset.words && across > 200;
      const aspect = width / height, cot = 1 / Math.tan(FIELD / 2);
      const distance = camera.zoom * radius * (ruled ? 1.2 : 1.06) / Math.sin(FIELD / 2) / Math.min(1, aspect);
      const near = Math.max(distance - 3 * radius, distance * 0.02), far = distance + 3 * radius;
      const rows = this.axes(), scale = 1 / shape.longest, shift = [camera.x, camera.y, -distance];
      const view = new Float32Array(16);
      rows.forEach((row, r) => {
        row.forEach((part, k) => { view[4 * k + r] = part * scale; });
        view[12 + r] = shift[r] - scale * row.reduce((sum, part, k) => sum + part * this.centre[k], 0);
      });
      view[15] = 1;
      const projection = [cot / aspect, 0, 0, 0, 0, cot, 0, 0, 0, 0, (far + near) / (near - far), -1, 0, 0, 2 * far * near / (near - far), 0];
      const axis = "xyz".indexOf(camera.up);
      const drawn = window.pointllm.drawShape(shape, { view, projection, near, far, scale, points: this.points, color: this.color,
        upward: [0, 1, 2].map((k) => Number(k === axis)), reach: [shape.low[axis], shape.high[axis]], fine: fine && ratio < 2,
        pixelRatio: ratio }, width, height);
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, width, height);
      let ruler = null, colors = null;
      if (ruled) {
        const project = (at) => {
          const eye = rows.map((row, r) => shift[r] + row[0] * at[0] + row[1] * at[1] + row[2] * at[2]);
          return [(1 + eye[0] * cot / aspect / -eye[2]) / 2 * across, (1 - eye[1] * cot / -eye[2]) / 2 * down];
        };
        const eye = [0, 1, 2].map((k) => -rows.reduce((sum, row, r) => sum + row[k] * shift[r], 0));
        ruler = window.pointllm.scale.plan({ half, size: shape.size, project, eye, width: across, height: down }, document.documentElement.lang || undefined);
        const style = getComputedStyle(this.place), of = (name) => style.getPropertyValue(name).trim();
        colors = { grid: of("--ruler-grid"), border: of("--ruler-border"), text: of("--ruler-text"), font: style.fontFamily,
          axes: { x: of("--ruler-x"), y: of("--ruler-y"), z: of("--ruler-z") } };
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        window.pointllm.scale.drawBehind(pen, ruler, colors);
        pen.setTransform(1, 0, 0, 1, 0, 0);
      }
      pen.drawImage(drawn, 0, drawn.height - height, width, height, 0, 0, width, height);
      if (ruler) {
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        window.pointllm.scale.drawBefore(pen, ruler, colors);
      }
    }

    // -- turning -----------------------------------------------------------------------------------------------------

    moved() {
      cameras.set(this.url, this.camera);
      if (cameras.size > 64) cameras.delete(cameras.keys().next().value);
      this.redraw();
    }
    turn(dx, dy) {
      this.camera.yaw += dx;
      this.camera.pitch = Math.max(-1.57, Math.min(1.57, this.camera.pitch + dy));
      this.moved();
    }
    zoom(by) { this.camera.zoom = Math.max(0.12, Math.min(5, this.camera.zoom * by)); this.moved(); }
    move(dx, dy) {
      const unit = 2.2 * this.radius * this.camera.zoom / this.canvas.clientHeight;
      this.camera.x += dx * unit;
      this.camera.y -= dy * unit;
      this.moved();
    }
    reset() { this.camera = { ...START, up: this.shape.up }; this.moved(); this.refreshTools(); }

    use(tool) {
      if (tool === "fullscreen") { this.fullScreen(); return; }
      if (!this.shape) return;
      if (tool === "reset") this.reset();
      if (tool === "up") this.camera.up = { x: "y", y: "z", z: this.shape.up === "x" ? "x" : "y" }[this.camera.up];
      if (tool === "axes") liking.axes = !liking.axes;
      if (tool === "points" && this.shape.surface.length && this.shape.points.length) liking.points = this.points = !this.points;
      if (tool === "color") {
        const choice = COLORS.filter((kind) => kind !== "file" || this.shape.colored);
        liking.color = this.color = choice[(choice.indexOf(this.color) + 1) % choice.length];
      }
      this.refreshTools();
      if (this.note) this.note.textContent = this.part();
      this.moved();
      if (tool === "axes") redrawAll();
    }
    fullScreen() {
      const { place } = this;
      if (document.fullscreenElement) document.exitFullscreen();
      else if (place.requestFullscreen) place.requestFullscreen().catch(() => place.classList.add("maximised"));
      else place.classList.toggle("maximised");  // telephones that show only videos in full
    }

    // -- buttons, pointers, keys -------------------------------------------------------------------------------------

    addTools() {
      this.tools = document.createElement("div");
      this.tools.className = "tools";
      this.tools.setAttribute("role", "toolbar");
      this.tools.setAttribute("aria-label", this.words.role);
      for (const name of ["points", "color", "axes", "up", "reset", "fullscreen"]) {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", innerHTML: ICONS[name] ?? "", title: `${this.words[name]} (${KEYS[name]})` });
        button.dataset.tool = name;
        button.setAttribute("aria-label", this.words[name]);
        button.addEventListener("click", () => this.use(name));
        this.tools.append(button);
      }
      this.note = document.createElement("p");
      this.note.className = "note";
      this.note.setAttribute("role", "status");
      this.place.append(this.tools, this.note);
    }
    refreshTools() {
      if (!this.tools) return;
      const button = (name) => this.tools.querySelector(`[data-tool=${name}]`);
      const both = this.shape.surface.length > 0 && this.shape.points.length > 0;
      button("points").hidden = !both;
      button("points").setAttribute("aria-pressed", this.points);
      button("axes").setAttribute("aria-pressed", liking.axes);
      button("up").textContent = this.camera.up.toUpperCase();
      button("up").setAttribute("aria-label", `${this.words.up}: ${this.camera.up.toUpperCase()}`);
      const kind = this.words.color.replace("{kind}", this.words[{ file: "colorFile", plain: "colorPlain", height: "colorHeight" }[this.color]]);
      button("color").dataset.kind = this.color;
      button("color").setAttribute("aria-label", kind);
      button("color").title = `${kind} (${KEYS.color})`;
    }
    listen() {
      const { canvas } = this, fingers = new Map();
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        fingers.set(event.pointerId, event);
      });
      for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
      canvas.addEventListener("pointermove", (event) => {
        const before = fingers.get(event.pointerId);
        if (!before || !this.shape) return;
        const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
        if (fingers.size === 2) {
          const [other] = [...fingers.values()].filter((finger) => finger.pointerId !== event.pointerId);
          const span = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
          this.zoom(span(before) / span(event));
          this.move(dx / 2, dy / 2);
        } else if (event.shiftKey || event.buttons & 6) {
          this.move(dx, dy);
        } else {
          this.turn(-dx * 0.01, dy * 0.01);
        }
        fingers.set(event.pointerId, event);
      });
      canvas.addEventListener("wheel", (event) => {
        if (!this.shape) return;
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.03 : 0.001)));
      }, { passive: false });
      canvas.addEventListener("contextmenu", (event) => event.preventDefault());
      canvas.addEventListener("dblclick", () => this.shape && this.reset());
      const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      canvas.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !this.shape) return;
        const towards = arrow[event.key], tool = Object.keys(KEYS).find((name) => KEYS[name].toLowerCase() === event.key.toLowerCase());
        if (towards && event.shiftKey) this.move(towards[0] * 12, towards[1] * 12);
        else if (towards) this.turn(-towards[0] * 0.1, towards[1] * 0.1);
        else if (event.key === "+" || event.key === "=") this.zoom(0.9);
        else if (event.key === "-") this.zoom(1.1);
        else if (event.key === "Escape") this.place.classList.remove("maximised");
        else if (tool) this.use(tool);
        else return;
        event.preventDefault();
      });
    }
    end() { this.resized.disconnect(); clearTimeout(this.resting); }
  }

  const redrawAll = () => views.forEach((view) => { view.redraw(); view.shape && view.refreshTools(); });

  // -- the page ------------------------------------------------------------------------------------------------------

  const watch = () => {
    // Only what can be seen is loaded: a page may hold dozens of views, on tabs that are never opened.
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting || views.has(target)) continue;
        seen.unobserve(target);
        views.set(target, new View(target));
      }
    }, { rootMargin: "200px" });
    const look = () => {
      for (const [place, view] of views) {
        if (!place.isConnected || !place.contains(view.canvas)) { view.end(); views.delete(place); }
        else if (place.dataset.src !== view.url) view.show();
      }
      document.querySelectorAll(".shape-view[data-src]").forEach((place) => { if (!views.has(place)) seen.observe(place); });
    };
    look();
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ["data-src"] });
    new MutationObserver(redrawAll).observe(document.body, { attributeFilter: ["class"] });  // light and dark
  };
  Object.assign((window.pointllm ??= {}), { redrawAll });
  // Gradio may add this script to a page that has loaded already. Later scripts must have run in either case.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else setTimeout(watch, 0);
})();
