"use strict";
(() => {
  // Sorting: a click on a head sorts the rows by the column, numbers by their value.
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.key ?? cell.textContent.trim();
    const number = Number(text);
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compared = (a, b) => {
    const numbers = (typeof a === "number") + (typeof b === "number");
    if (numbers === 2) return a - b;
    if (numbers === 1) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b);
  };
  for (const table of document.querySelectorAll("table.rg-sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        const body = table.tBodies[0];
        const rows = [...body.rows];
        rows.sort((a, b) => sign * compared(keyOf(a, column), keyOf(b, column)));
        body.append(...rows);
      });
    });
  }

  // Pictures of arrays.
  const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };
  const MARGIN = { left: 66, right: 92, top: 10, bottom: 46 };
  const BAR = 16;

  const unpacked = async (text, type) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new ARRAYS[type](await new Response(stream).arrayBuffer());
  };

  const ticksOf = (low, high, most) => {
    const rough = (high - low) / Math.max(most, 1);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
      found.push([k * step, (k * step || 0).toFixed(Math.min(digits, 12)).replace("-", "\u2212")]);
    }
    return found;
  };
  const logTicks = (low, high) => {
    const found = [];
    for (let e = Math.ceil(Math.log10(low) - 1e-9); 10 ** e <= high * 1.000001; e++) {
      found.push([10 ** e, short(10 ** e)]);
    }
    return found.length > 1 ? found : [[low, short(low)], [high, short(high)]];
  };
  const short = (value) => {
    const size = Math.abs(value);
    const text = size !== 0 && (size >= 1e6 || size < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(5)));
    return text.replace("-", "\u2212");
  };
  const place = (value, step) => {
    const digits = Math.max(0, 1 - Math.floor(Math.log10(step) + 1e-9));
    return value.toFixed(Math.min(digits, 9)).replace("-", "\u2212");
  };

  class ArrayView {
    constructor(figure, spec, values, maps) {
      Object.assign(this, { figure, spec, values, maps });
      this.canvas = figure.querySelector("canvas");
      this.readout = figure.querySelector("output");
      this.inputs = Object.fromEntries([...figure.querySelectorAll("[data-role]")].map((e) => [e.dataset.role, e]));
      const { x, y } = spec;
      this.full = { x0: x.low, x1: x.low + x.step * x.n, y0: y.low, y1: y.low + y.step * y.n };
      this.range = this.rangeOf(0, x.n, 0, y.n);
      this.buffer = document.createElement("canvas");
      this.buffer.width = x.n;
      this.buffer.height = y.n;
      this.print = false;
      this.listen();
      this.reset();
      figure.querySelector("img").hidden = true;
      figure.querySelector(".rg-controls").hidden = false;
      this.canvas.hidden = false;
      this.draw();
      figure.dataset.ready = "yes";
    }

    rangeOf(i0, i1, j0, j1) {
      let low = Infinity, high = -Infinity, positive = Infinity;
      for (let j = j0; j < j1; j++) {
        for (let i = i0; i < i1; i++) {
          const value = this.values[j * this.spec.x.n + i];
          if (!Number.isFinite(value)) continue;
          if (value < low) low = value;
          if (value > high) high = value;
          if (value > 0 && value < positive) positive = value;
        }
      }
      return { low, high, positive };
    }

    listen() {
      const { canvas, inputs } = this;
      const redo = () => { this.paint(); this.draw(); };
      for (const role of ["map", "scale", "low", "high"]) inputs[role].addEventListener("change", redo);
      inputs.marks?.addEventListener("change", () => this.draw());
      inputs.reset.addEventListener("click", () => { this.reset(); this.draw(); });
      inputs.fit.addEventListener("click", () => { this.fit(); redo(); });
      for (const kind of ["pointermove", "mousemove"]) canvas.addEventListener(kind, (e) => this.hover(e));
      canvas.addEventListener("mouseleave", () => { this.readout.textContent = ""; });
      canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
      canvas.addEventListener("dblclick", () => { this.reset(); this.draw(); });
      canvas.addEventListener("pointerdown", (e) => {
        if (!this.isZoomed() || e.button !== 0) return;
        this.drag = { x: e.clientX, y: e.clientY, view: { ...this.view } };
        canvas.setPointerCapture(e.pointerId);
      });
      for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { this.drag = null; });
      canvas.addEventListener("keydown", (e) => this.key(e));
      new ResizeObserver(() => this.draw()).observe(this.figure);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
      addEventListener("beforeprint", () => { this.print = true; this.draw(); });
      addEventListener("afterprint", () => { this.print = false; this.draw(); });
    }

    reset() {
      const { spec, inputs } = this;
      this.view = { ...this.full };
      inputs.map.value = spec.map;
      inputs.scale.value = spec.scale;
      const [low, high] = spec.limits ?? [this.range.low, this.range.high];
      inputs.low.value = Number.isFinite(low) ? low : 0;
      inputs.high.value = Number.isFinite(high) ? high : 1;
      this.paint();
    }

    fit() {
      const { x, y } = this.spec, v = this.view;
      const index = (at, axis) => Math.min(Math.max(Math.floor((at - axis.low) / axis.step), 0), axis.n - 1);
      const seen = this.rangeOf(index(v.x0, x), index(v.x1, x) + 1, index(v.y0, y), index(v.y1, y) + 1);
      if (!Number.isFinite(seen.low)) return;
      this.inputs.low.value = seen.low;
      this.inputs.high.value = seen.high;
    }

    isZoomed() {
      return this.view.x1 - this.view.x0 < 0.9999 * (this.full.x1 - this.full.x0);
    }

    limits() {
      const scale = this.inputs.scale.value;
      let low = Number(this.inputs.low.value), high = Number(this.inputs.high.value);
      if (scale === "log") {
        const floor = Number.isFinite(this.range.positive) ? this.range.positive : 1;
        low = low > 0 ? low : floor;
        high = high > 0 ? high : 10 * floor;
      }
      if (!(high > low)) high = low + (low ? Math.abs(low) : 1);
      return { low, high, scale };
    }

    fraction({ low, high, scale }) {
      const turn = { linear: (v) => v, sqrt: (v) => Math.sign(v) * Math.sqrt(Math.abs(v)), log: (v) => Math.log(Math.max(v, low)) }[scale];
      const from = turn(low), width = turn(high) - from;
      return (value) => (turn(value) - from) / width;
    }

    // Colours of all pixels, once for each choice of colours.
    paint() {
      const { x, y } = this.spec, context = this.buffer.getContext("2d");
      const image = context.createImageData(x.n, y.n), pixels = image.data;
      const map = this.maps[this.inputs.map.value], at = this.fraction(this.limits());
      for (let j = 0; j < y.n; j++) {
        let to = 4 * (y.n - 1 - j) * x.n;
        for (let i = 0; i < x.n; i++, to += 4) {
          const value = this.values[j * x.n + i];
          if (Number.isNaN(value)) continue;
          const k = 3 * Math.min(Math.max(Math.floor(256 * at(value)), 0), 255);
          pixels[to] = map[k];
          pixels[to + 1] = map[k + 1];
          pixels[to + 2] = map[k + 2];
          pixels[to + 3] = 255;
        }
      }
      context.putImageData(image, 0, 0);
    }

    size() {
      const width = Math.max(300, Math.min(this.figure.clientWidth, 900));
      let w = width - MARGIN.left - MARGIN.right, h = 380;
      if (this.spec.equal) {
        const f = this.full, ratio = (f.y1 - f.y0) / (f.x1 - f.x0);
        h = w * ratio;
        if (h > 620) { h = 620; w = Math.max(h / ratio, 90); }
        h = Math.max(h, 90);
      }
      return { w: Math.round(w), h: Math.round(h) };
    }

    draw() {
      const { w, h } = (this.box = this.size());
      this.canvas.dataset.zoomed = this.isZoomed() ? "yes" : "no";
      const dense = window.devicePixelRatio || 1, canvas = this.canvas;
      const width = w + MARGIN.left + MARGIN.right, height = h + MARGIN.top + MARGIN.bottom;
      canvas.width = Math.round(width * dense);
      canvas.height = Math.round(height * dense);
      canvas.style.width = `${width}px`;
      const c = canvas.getContext("2d"), style = getComputedStyle(document.body);
      c.setTransform(dense, 0, 0, dense, 0, 0);
      this.ink = this.print ? "#000000" : style.color;
      c.font = `12px ${style.fontFamily}`;
      c.fillStyle = c.strokeStyle = this.ink;
      this.drawPixels(c, w, h);
      this.drawAxes(c, w, h);
      this.drawBar(c, w, h);
      if (this.spec.marks.length && this.inputs.marks?.checked) this.drawMarks(c, w, h);
    }

    drawPixels(c, w, h) {
      const { x, y } = this.spec, v = this.view;
      const nx = (v.x1 - v.x0) / x.step, ny = (v.y1 - v.y0) / y.step;
      // Many pixels on one of the screen are averaged; few keep their edges.
      c.imageSmoothingEnabled = nx > 1.5 * w || ny > 1.5 * h;
      c.imageSmoothingQuality = "high";
      c.drawImage(this.buffer, (v.x0 - this.full.x0) / x.step, (this.full.y1 - v.y1) / y.step, nx, ny, MARGIN.left, MARGIN.top, w, h);
      c.strokeRect(MARGIN.left - 0.5, MARGIN.top - 0.5, w + 1, h + 1);
    }

    toX(at) { return MARGIN.left + (at - this.view.x0) / (this.view.x1 - this.view.x0) * this.box.w; }
    toY(at) { return MARGIN.top + (this.view.y1 - at) / (this.view.y1 - this.view.y0) * this.box.h; }

    drawAxes(c, w, h) {
      const { x, y } = this.spec, v = this.view, foot = MARGIN.top + h;
      c.textAlign = "center";
      c.textBaseline = "top";
      for (const [at, text] of ticksOf(v.x0, v.x1, w / 70)) {
        c.fillRect(this.toX(at) - 0.5, foot, 1, 5);
        c.fillText(text, this.toX(at), foot + 8);
      }
      c.fillText(x.unit ? `${x.label} (${x.unit})` : x.label, MARGIN.left + w / 2, foot + 28);
      c.textAlign = "right";
      c.textBaseline = "middle";
      for (const [at, text] of ticksOf(v.y0, v.y1, h / 45)) {
        c.fillRect(MARGIN.left - 5, this.toY(at) - 0.5, 5, 1);
        c.fillText(text, MARGIN.left - 8, this.toY(at));
      }
      this.upright(c, y.unit ? `${y.label} (${y.unit})` : y.label, 12, MARGIN.top + h / 2);
    }

    upright(c, text, x, y) {
      c.save();
      c.translate(x, y);
      c.rotate(-Math.PI / 2);
      c.textAlign = "center";
      c.textBaseline = "middle";
      c.fillText(text, 0, 0);
      c.restore();
    }

    drawBar(c, w, h) {
      const limits = this.limits(), at = this.fraction(limits), map = this.maps[this.inputs.map.value];
      const left = MARGIN.left + w + 14, top = MARGIN.top;
      for (let k = 0; k < h; k++) {
        const color = 3 * Math.min(Math.floor(256 * (1 - (k + 0.5) / h)), 255);
        c.fillStyle = `rgb(${map[color]},${map[color + 1]},${map[color + 2]})`;
        c.fillRect(left, top + k, BAR, 1);
      }
      c.fillStyle = this.ink;
      c.strokeRect(left - 0.5, top - 0.5, BAR + 1, h + 1);
      c.textAlign = "left";
      c.textBaseline = "middle";
      const ticks = limits.scale === "log" ? logTicks(limits.low, limits.high) : ticksOf(limits.low, limits.high, Math.min(h / 40, 9)).map(([t]) => [t, short(t)]);
      for (const [value, text] of ticks) {
        const y = top + h * (1 - at(value));
        c.fillRect(left + BAR, y - 0.5, 4, 1);
        c.fillText(text, left + BAR + 7, y);
      }
      // A triangle says that values lie beyond the colours.
      const beyond = [[this.range.high > limits.high, top - 1, -7], [this.range.low < limits.low && this.range.low < limits.high, top + h + 1, 7]];
      for (const [yes, y, tip] of beyond) {
        if (!yes) continue;
        c.beginPath();
        c.moveTo(left, y);
        c.lineTo(left + BAR, y);
        c.lineTo(left + BAR / 2, y + tip);
        c.fill();
      }
      this.upright(c, this.spec.value, left + BAR + 58, top + h / 2);
    }

    drawMarks(c, w, h) {
      c.save();
      c.beginPath();
      c.rect(MARGIN.left, MARGIN.top, w, h);
      c.clip();
      for (const mark of this.spec.marks) {
        const points = mark.points.map(([x, y]) => [this.toX(x), this.toY(y)]);
        for (const [color, width] of [["#000000", 4], ["#ffffff", 1.8]]) {
          c.strokeStyle = color;
          c.lineWidth = width;
          c.beginPath();
          this.trace(c, mark.kind, points);
          c.stroke();
        }
      }
      c.restore();
    }

    trace(c, kind, points) {
      const [[x, y]] = points;
      if (kind === "circle") { c.arc(x, y, 8, 0, 2 * Math.PI); return; }
      if (kind === "cross") {
        c.moveTo(x - 9, y); c.lineTo(x + 9, y); c.moveTo(x, y - 9); c.lineTo(x, y + 9);
        return;
      }
      if (kind === "diamond") {
        c.moveTo(x - 7, y); c.lineTo(x, y - 7); c.lineTo(x + 7, y); c.lineTo(x, y + 7); c.closePath();
        return;
      }
      if (kind === "box") { const [, [x2, y2]] = points; c.rect(x, y, x2 - x, y2 - y); return; }
      points.forEach(([px, py], k) => (k ? c.lineTo(px, py) : c.moveTo(px, py)));
    }

    // Position on the axes under the pointer.
    under(event) {
      const box = this.canvas.getBoundingClientRect(), v = this.view;
      const scale = (this.box.w + MARGIN.left + MARGIN.right) / box.width;
      const s = ((event.clientX - box.left) * scale - MARGIN.left) / this.box.w;
      const t = ((event.clientY - box.top) * scale - MARGIN.top) / this.box.h;
      return { s, t, x: v.x0 + s * (v.x1 - v.x0), y: v.y1 - t * (v.y1 - v.y0), inside: s >= 0 && s <= 1 && t >= 0 && t <= 1 };
    }

    hover(event) {
      if (this.drag) { this.pan(event); return; }
      const at = this.under(event), { x, y } = this.spec;
      const i = Math.floor((at.x - x.low) / x.step), j = Math.floor((at.y - y.low) / y.step);
      if (!at.inside || i < 0 || j < 0 || i >= x.n || j >= y.n) { this.readout.textContent = ""; return; }
      const value = this.values[j * x.n + i];
      const cx = x.low + (i + 0.5) * x.step, cy = y.low + (j + 0.5) * y.step;
      const shown = Number.isInteger(value) ? value.toLocaleString("en") : short(value);
      this.readout.textContent = `${x.label} = ${place(cx, x.step)} ${x.unit}, ${y.label} = ${place(cy, y.step)} ${y.unit}: ${Number.isNaN(value) ? "no value" : `${shown} ${this.spec.unit}`} (column ${i}, row ${j})`;
    }

    // The view stays inside the array.
    show(x0, y0, width, height) {
      const f = this.full;
      width = Math.min(width, f.x1 - f.x0);
      height = Math.min(height, f.y1 - f.y0);
      x0 = Math.min(Math.max(x0, f.x0), f.x1 - width);
      y0 = Math.min(Math.max(y0, f.y0), f.y1 - height);
      this.view = { x0, x1: x0 + width, y0, y1: y0 + height };
      this.draw();
    }

    zoom(factor, s = 0.5, t = 0.5) {
      const v = this.view, { x, y } = this.spec, f = this.full;
      const least = Math.max(4 * x.step / (f.x1 - f.x0), 4 * y.step / (f.y1 - f.y0));
      const now = (v.x1 - v.x0) / (f.x1 - f.x0);
      const wanted = Math.min(Math.max(now * factor, Math.min(least, 1)), 1);
      const width = (f.x1 - f.x0) * wanted, height = (f.y1 - f.y0) * wanted;
      const px = v.x0 + s * (v.x1 - v.x0), py = v.y1 - t * (v.y1 - v.y0);
      this.show(px - s * width, py - (1 - t) * height, width, height);
    }

    wheel(event) {
      const at = this.under(event);
      // Where there is nothing to zoom out of, the page scrolls.
      if (!at.inside || (event.deltaY > 0 && !this.isZoomed())) return;
      event.preventDefault();
      this.zoom(Math.exp(Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 120) * 0.002), at.s, at.t);
      this.hover(event);
    }

    pan(event) {
      const { x, y, view } = this.drag;
      const width = view.x1 - view.x0, height = view.y1 - view.y0;
      this.show(view.x0 - (event.clientX - x) / this.box.w * width, view.y0 + (event.clientY - y) / this.box.h * height, width, height);
    }

    key(event) {
      const v = this.view, width = v.x1 - v.x0, height = v.y1 - v.y0;
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (moves[event.key] && this.isZoomed()) {
        const [dx, dy] = moves[event.key];
        this.show(v.x0 + 0.1 * dx * width, v.y0 + 0.1 * dy * height, width, height);
      } else if (event.key === "+" || event.key === "=") this.zoom(0.8);
      else if (event.key === "-") this.zoom(1.25);
      else if (event.key === "0" || event.key === "Home") { this.reset(); this.draw(); }
      else return;
      event.preventDefault();
    }
  }

  const start = async () => {
    const figures = document.querySelectorAll("figure.rg-view");
    if (!figures.length || typeof DecompressionStream === "undefined") return;
    const written = JSON.parse(document.getElementById("rg-colour-maps").textContent);
    const maps = {};
    for (const [name, text] of Object.entries(written)) maps[name] = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    for (const figure of figures) {
      const spec = JSON.parse(figure.querySelector("script").textContent);
      new ArrayView(figure, spec, await unpacked(spec.data, spec.type), maps);
    }
  };
  start();
})();
