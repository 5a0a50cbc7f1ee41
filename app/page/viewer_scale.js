// The box behind a shape: grid on its three far sides, rulers along its outline with numbers in the file's units.
// Plain 2D drawing below and beside the picture of the shape; what lies behind the shape is drawn before it.
(() => {
  const NAMES = ["x", "y", "z"];

  // 1, 2 or 5 times a power of ten, so that `length` has about `count` steps.
  const niceStep = (length, count) => {
    const rough = length / count, power = 10 ** Math.floor(Math.log10(rough)), rest = rough / power;
    return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
  };
  const inWords = (value, step, locale) => {
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    if (Math.abs(value) >= 1e6 || digits > 5) return value.toExponential(1);
    return value.toLocaleString(locale, { minimumFractionDigits: 0, maximumFractionDigits: digits });
  };

  // frame: { half: half sides of the box in units of the view, size: sides in file units, project: [x, y, z] → screen
  // [x, y], eye: where the camera is, width, height }; locale of the numbers.
  const plan = (frame, locale) => {
    const { half, size, project, eye, width, height } = frame;
    const far = eye.map((along, axis) => (along > 0 ? -1 : 1) * half[axis]);  // the corner where the far sides meet
    const hidden = (axis, side) => side * eye[axis] < half[axis];  // seen from inside
    const longest = Math.max(...size);
    const step = niceStep(longest, Math.min(width, height) < 420 ? 4 : 6);
    const ticks = size.map((side, axis) => {
      const found = [];
      for (let at = 0; at <= side * 1.0001 && found.length < 60; at += step) found.push([at, (at / side - 0.5) * 2 * half[axis]]);
      return half[axis] > 0 ? found : [[0, 0]];
    });
    const grid = [];
    for (let axis = 0; axis < 3; axis += 1) {
      const [u, v] = [0, 1, 2].filter((other) => other !== axis);
      for (const [one, other] of [[u, v], [v, u]]) {
        for (const along of [...ticks[one].map(([, at]) => at), -half[one], half[one]]) {
          const from = [0, 0, 0], to = [0, 0, 0];
          from[axis] = to[axis] = far[axis];
          from[one] = to[one] = along;
          from[other] = -half[other];
          to[other] = half[other];
          grid.push([project(from), project(to), Math.abs(Math.abs(along) - half[one]) < 1e-9]);
        }
      }
    }
    const middle = project([0, 0, 0]);
    const rulers = NAMES.map((name, axis) => {
      const [u, v] = [0, 1, 2].filter((other) => other !== axis), edges = [];
      for (const a of [-1, 1]) for (const b of [-1, 1]) {
        if (hidden(u, a) === hidden(v, b)) continue;  // not on the outline
        const end = (side) => { const at = [0, 0, 0]; at[axis] = side * half[axis]; at[u] = a * half[u]; at[v] = b * half[v]; return at; };
        const [p, q] = [project(end(-1)), project(end(1))];
        edges.push({ p, q, at: end, fixed: [u, v, a, b], low: (p[1] + q[1]) / 2 - 0.3 * (p[0] + q[0]) / 2 });
      }
      const edge = edges.sort((one, other) => other.low - one.low)[0];
      if (!edge) return null;
      const length = Math.hypot(edge.q[0] - edge.p[0], edge.q[1] - edge.p[1]);
      let away = [(edge.q[1] - edge.p[1]) / (length || 1), -(edge.q[0] - edge.p[0]) / (length || 1)];
      const centre = [(edge.p[0] + edge.q[0]) / 2 - middle[0], (edge.p[1] + edge.q[1]) / 2 - middle[1]];
      if (away[0] * centre[0] + away[1] * centre[1] < 0) away = away.map((part) => -part);
      const every = Math.max(1, Math.ceil(34 / Math.max(length / Math.max(size[axis] / step, 1e-9), 1e-9)));
      const marks = ticks[axis].map(([value, along], index) => {
        const at = edge.at(0);
        at[axis] = along;
        return { at: project(at), text: inWords(value, step, locale), named: index > 0 && index % every === 0 };
      });
      return { name, length, away, marks: length > 26 ? marks : [], middle: project(edge.at(0)), p: edge.p, q: edge.q };
    }).filter(Boolean);
    return { grid, rulers };
  };

  const line = (pen, [x, y], [to, down]) => { pen.beginPath(); pen.moveTo(x, y); pen.lineTo(to, down); pen.stroke(); };

  const drawBehind = (pen, { grid }, colors) => {
    pen.lineWidth = 1;
    for (const [from, to, border] of grid) {
      pen.strokeStyle = border ? colors.border : colors.grid;
      line(pen, from, to);
    }
  };
  const drawBefore = (pen, { rulers }, colors) => {
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const placed = [];
    for (const { name, length, away, marks, middle, p, q } of rulers) {
      pen.strokeStyle = colors.axes[name];
      pen.lineWidth = 1.25;
      line(pen, p, q);
      pen.fillStyle = colors.text;
      pen.font = `11px ${colors.font}`;
      for (const { at, text, named } of marks) {
        line(pen, at, [at[0] + away[0] * 4, at[1] + away[1] * 4]);
        const [x, y] = [at[0] + away[0] * 15, at[1] + away[1] * 12], half = pen.measureText(text).width / 2 + 2;
        if (!named || placed.some(([a, b, w]) => Math.abs(a - x) < w + half && Math.abs(b - y) < 11)) continue;
        placed.push([x, y, half]);
        pen.fillText(text, x, y);
      }
      if (length < 14) continue;
      pen.fillStyle = colors.axes[name];
      pen.font = `600 12px ${colors.font}`;
      pen.fillText(name, middle[0] + away[0] * 34, middle[1] + away[1] * 26);
    }
  };

  Object.assign((window.pointllm ??= {}), { scale: { plan, drawBehind, drawBefore } });
})();
