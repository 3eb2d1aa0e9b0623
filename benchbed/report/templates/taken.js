"use strict";
// Taking charts and tables away: pictures (SVG, PNG) and tables (CSV, LaTeX, Markdown), made here from what is seen.
(() => {
  const { say, save, quote, rowsOf } = window.benchbed;
  const TAKEN = ["model", "dataset", "cell", "task", "split", "kind", "condition", "family", "severity", "parameter", "parameter_unit", "achieved", "metric", "value", "low", "high", "unit", "n", "direction", "rule"];
  const SVG = "http://www.w3.org/2000/svg";
  const slug = (title) => title.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 80).replace(/-$/, "") || "piece";

  // Words of an element in one line, without what is for screen readers or hands alone.
  const words = (element, skip = ".vh, .arrow") => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll(skip ? skip + ", svg, script" : "svg, script").forEach((part) => part.remove());
    copy.querySelectorAll("small").forEach((part) => { if (part.parentElement.localName === "td") { part.remove(); } else { part.prepend(", "); } });
    return copy.textContent.split(/[ \n\t]+/).filter(Boolean).join(" ");
  };
  const ends = (cell) => { const small = cell.querySelector("i"); const found = small && words(small, "").match(/^\[(\S+), (\S+)\]$/); return found ? [found[1], found[2], words(small, "")] : null; };
  const plain = (text) => { const number = text.replaceAll("−", "-").replaceAll(",", ""); return /^[+-]?\d+(\.\d+)?$/.test(number) ? number : text === "–" ? "" : text; };
  const scaled = (text, unit) => { const number = plain(text); return unit === "fraction" && /\d$/.test(number) ? String(Number((Number(number) / 100).toPrecision(6))) : number; };
  const headings = (table) => [...table.tHead.rows[0].cells].map((cell, place) => ({
    place, printed: words(cell), label: cell.dataset.label || words(cell), number: cell.dataset.type === "number" || cell.classList.contains("num"), unit: cell.dataset.unit || "", draw: cell.classList.contains("draw"),
  })).filter((column) => !column.draw);
  const body = (table) => [...table.tBodies].flatMap((part) => [...part.rows]);

  const plainRows = (table) => {
    const columns = headings(table), rows = body(table);
    const bounded = new Set(columns.filter((column) => rows.some((row) => row.cells[column.place] && ends(row.cells[column.place]))).map((column) => column.place));
    return rows.map((row) => {
      const held = {};
      columns.forEach((column) => {
        const cell = row.cells[column.place] || document.createElement("td");
        let name = column.label;
        while (name in held) { name += " (again)"; }
        const pair = ends(cell), text = words(cell);
        const raw = column.number ? cell.dataset.v : undefined;
        held[name] = raw === undefined ? plain(pair && text.endsWith(pair[2]) ? text.slice(0, -pair[2].length).trim() : text) : raw;
        if (bounded.has(column.place)) { ["low", "high"].forEach((end, index) => { held[name + " " + end] = pair ? scaled(pair[index], column.unit) : ""; }); }
        if (column.unit) { held[name + " unit"] = column.unit; }
      });
      if (table.dataset.unit) { held.unit = table.dataset.unit; }
      return held;
    });
  };
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  const matches = (row, wanted) => text(row.group) === "" && [...wanted].every(([name, value]) => (row.kind === "clean" && ["kind", "family", "parameter_unit"].includes(name)) || text(row[name]) === value);
  const conditions = async (of) => {
    const wanted = new URLSearchParams(of);
    return (await rowsOf()).filter((row) => matches(row, wanted)).map((row) => Object.fromEntries(TAKEN.map((name) => [name, row[name] ?? null])));
  };

  // LaTeX and Markdown are as the page prints it; of conditions, their strengths and units are columns.
  const DIGITS = { fraction: 1, dB: 1, "°": 1, degrees: 1, nats: 3, bits: 3, s: 3, ms: 2, score: 3, "": 3 };
  const figure = (value, unit) => (value === null ? "–" : (unit in DIGITS ? (unit === "fraction" ? 100 * value : value).toFixed(DIGITS[unit]) : String(Number(value.toPrecision(4)))).replace("-", "−"));
  const printedConditions = (rows) => {
    const metrics = new Map(rows.map((row) => [row.metric, row]));
    const cells = new Map();
    rows.forEach((row) => cells.set(row.cell, [...(cells.get(row.cell) || []), row]));
    const head = ["Condition", "Step", "Parameter", "Unit", ...[...metrics].map(([name, row]) => name.replaceAll("_", " ").replaceAll(":", ": ").replace(/^./, (letter) => letter.toUpperCase()) + (row.unit === "fraction" ? ", %" : row.unit && row.unit !== "score" ? ", " + row.unit : "") + (row.direction === "higher" ? " ↑" : " ↓"))];
    const lines = [...cells.values()].map((held) => [text(held[0].condition), text(held[0].severity), text(held[0].parameter), text(held[0].parameter_unit),
      ...[...metrics.keys()].map((name) => { const row = held.find((one) => one.metric === name); return !row ? "–" : figure(row.value, row.unit) + (row.low === null || row.high === null ? "" : " [" + figure(row.low, row.unit) + ", " + figure(row.high, row.unit) + "]"); })]);
    return [head, lines, [false, true, true, false, ...[...metrics].map(() => true)]];
  };
  const printedTable = (table) => {
    const columns = headings(table);
    return [columns.map((column) => column.printed), body(table).map((row) => columns.map((column) => (row.cells[column.place] ? words(row.cells[column.place]) : ""))), columns.map((column) => column.number)];
  };
  const csv = (rows) => {
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return [names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => row.map(quote).join(",")).join("\r\n") + "\r\n";
  };
  const escapeMarkdown = (part) => part.replace(/([\\`*_{}[\]<>#|!&~])/g, "\\$1");
  const markdown = ([head, rows, right]) => [head, null, ...rows].map((row) => "| " + (row ? row.map(escapeMarkdown) : right.map((number) => (number ? "---:" : "---"))).join(" | ") + " |\n").join("");
  const LATEX = { "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "↑": "$\\uparrow$", "↓": "$\\downarrow$", "−": "$-$", "–": "--", "′": "$'$", "°": "$^\\circ$", "\u202f": "\\," };
  const escapeLatex = (part) => [...part].map((letter) => LATEX[letter] ?? letter).join("");
  const latex = ([head, rows, right], title) => ["\\begin{tabular}{" + right.map((number) => (number ? "r" : "l")).join("") + "}", "\\toprule", head.map(escapeLatex).join(" & ") + " \\\\", "\\midrule", ...rows.map((row) => row.map(escapeLatex).join(" & ") + " \\\\"), "\\bottomrule", "\\end{tabular}", "% " + title].join("\n") + "\n";

  // A picture of what is seen: boxes, words and drawings with their looks written beside them, in light colours.
  const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "opacity", "font-size", "font-weight", "font-family", "text-anchor", "paint-order", "vector-effect"];
  const inlined = (drawing) => {
    const copy = drawing.cloneNode(true);
    const parts = [...copy.querySelectorAll("*")];
    [...drawing.querySelectorAll("*")].forEach((part, index) => {
      const looks = getComputedStyle(part);
      LOOKS.forEach((name) => { const value = looks.getPropertyValue(name); if (value && value !== "normal") { parts[index].setAttribute(name, value); } });
    });
    parts.forEach((part) => { if (part.localName === "title" || part.localName === "desc") { part.remove(); } ["class", "id"].forEach((name) => part.removeAttribute(name)); });
    ["class", "id", "role", "aria-labelledby", "aria-hidden", "focusable"].forEach((name) => copy.removeAttribute(name));
    copy.setAttribute("overflow", "visible");
    return copy;
  };
  const light = (work) => {
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule.media && rule.media.mediaText.includes("prefers-color-scheme: dark"));
    const texts = rules.map((rule) => rule.media.mediaText);
    rules.forEach((rule) => { rule.media.mediaText = "not all"; });
    try { return work(); } finally { rules.forEach((rule, index) => { rule.media.mediaText = texts[index]; }); }
  };
  const node = (name, attributes, content) => {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, typeof value === "number" ? String(Math.round(value * 100) / 100) : value));
    if (content !== undefined) { made.textContent = content; }
    return made;
  };
  const picture = (element, title) => light(() => {
    // What numbers stand for goes along, whole.
    const keys = element.dataset.keys && document.getElementById(element.dataset.keys).cloneNode(true);
    if (keys) { element.append(keys); }
    element.classList.add("whole");
    try { return pictured(element, title); } finally { element.classList.remove("whole"); if (keys) { keys.remove(); } }
  });
  const pictured = (element, title) => {
    element.querySelectorAll(".scroll").forEach((part) => { part.scrollLeft = 0; });
    const scroller = element.closest(".scroll");
    if (scroller) { scroller.scrollLeft = 0; }
    const frame = element.getBoundingClientRect(), pad = 8;
    const top = node("svg", { xmlns: SVG });
    let right = frame.right, bottom = frame.top;
    const grow = (box) => { right = Math.max(right, box.right); bottom = Math.max(bottom, box.bottom); };
    const walk = (part) => {
      if (part.nodeType === Node.TEXT_NODE) {
        const looks = getComputedStyle(part.parentElement), turned = looks.writingMode.startsWith("vertical");
        const range = document.createRange(), lines = [];
        for (const word of part.data.matchAll(/\S+/g)) {
          range.setStart(part, word.index);
          range.setEnd(part, word.index + word[0].length);
          const box = range.getBoundingClientRect();
          if (!box.width && !box.height) { continue; }
          const line = lines.find((one) => (turned ? Math.abs(one.box.left - box.left) < 3 : Math.abs(one.box.top - box.top) < 3));
          if (line) { line.words.push(word[0]); line.last = box; } else { lines.push({ words: [word[0]], box, last: box }); }
        }
        lines.forEach(({ words: held, box, last }) => {
          const size = parseFloat(looks.fontSize), look = { "font-size": size, "font-weight": looks.fontWeight, "font-family": looks.fontFamily, fill: looks.color };
          grow(last);
          grow(box);
          if (turned) {
            const x = box.left + box.width / 2 + size * 0.35, y = Math.max(box.bottom, last.bottom);
            top.append(node("text", { transform: "translate(" + (x - frame.left + pad) + " " + (y - frame.top + pad) + ") rotate(-90)", ...look }, held.join(" ")));
          } else {
            top.append(node("text", { x: box.left - frame.left + pad, y: box.top + box.height / 2 + size * 0.35 - frame.top + pad, ...look }, held.join(" ")));
          }
        });
        return;
      }
      if (part.nodeType !== Node.ELEMENT_NODE || part.matches(".vh, .arrow, .take, .tools, audio, script") || !part.checkVisibility()) { return; }
      const box = part.getBoundingClientRect();
      if (part.localName === "svg") {
        const copy = inlined(part);
        ["x", "y", "width", "height"].forEach((name) => copy.setAttribute(name, box[name] - (name === "x" ? frame.left - pad : name === "y" ? frame.top - pad : 0)));
        grow(box);
        top.append(copy);
        return;
      }
      const looks = getComputedStyle(part), place = { x: box.left - frame.left + pad, y: box.top - frame.top + pad };
      if (looks.backgroundColor !== "rgba(0, 0, 0, 0)") { top.append(node("rect", { ...place, width: box.width, height: box.height, fill: looks.backgroundColor })); }
      if (parseFloat(looks.borderBottomWidth) && part.matches("td, th")) { top.append(node("path", { d: "M" + place.x + " " + (place.y + box.height) + "h" + box.width, stroke: looks.borderBottomColor })); }
      part.childNodes.forEach(walk);
    };
    walk(element);
    const width = right - frame.left + 2 * pad, height = bottom - frame.top + 2 * pad;
    top.prepend(node("title", {}, title), node("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor }));
    Object.entries({ viewBox: "0 0 " + width + " " + height, width, height }).forEach(([key, value]) => top.setAttribute(key, value));
    return [new XMLSerializer().serializeToString(top), width, height];
  };
  const png = ([markup, width, height], name) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.ceil(width * 2);
      canvas.height = Math.ceil(height * 2);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(name + ".png", "image/png", blob));
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(markup);
  };

  const offer = (title, label, work) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", "Save " + title + " as " + label);
    button.addEventListener("click", async () => { await work(); say("Saved " + title + " as " + label + "."); });
    return button;
  };
  const tables = (title, name, rows, printed) => [
    offer(title, "CSV", async () => save(name + ".csv", "text/csv", csv(await rows()))),
    offer(title, "LaTeX", async () => save(name + ".tex", "application/x-tex", latex(await printed(), title))),
    offer(title, "Markdown", async () => save(name + ".md", "text/markdown", markdown(await printed()))),
  ];
  const line = (...parts) => { const made = document.createElement("p"); made.className = "take"; made.append(...parts); return made; };
  const names = new Map();
  const named = (title) => { const name = slug(title); names.set(name, (names.get(name) || 0) + 1); return names.get(name) === 1 ? name : name + "-" + names.get(name); };
  const take = (root) => root.querySelectorAll("figure, svg[role=img], table").forEach((part) => {
    const table = part.localName === "table";
    const drawing = table ? null : part.localName === "svg" ? part : part.querySelector("svg[role=img]");
    if (part.dataset.taken || (table && !(part.tHead && part.tBodies.length)) || (!table && !drawing) || (part === drawing && part.closest("figure"))) { return; }
    part.dataset.taken = "yes";
    const caption = table ? part.caption : part.querySelector("figcaption"), around = part.closest(".scroll");
    const title = part.dataset.name || (caption && words(caption, "")) || (table ? around && around.getAttribute("aria-label") : drawing.querySelector("title").textContent) || "Table";
    const name = named(title), of = [part, ...part.querySelectorAll("[data-of]")].map((one) => one.dataset.of).find(Boolean);
    const buttons = [];
    if (!table || part.matches(".heat") || part.querySelector(".strip")) {
      buttons.push(offer(title, "SVG", () => save(name + ".svg", "image/svg+xml", picture(part, title)[0])), offer(title, "PNG", () => png(picture(part, title), name)));
    }
    if (of) { buttons.push(...tables(title, name, () => conditions(of), async () => printedConditions(await conditions(of)))); }
    else if (table) { buttons.push(...tables(title, name, () => plainRows(part), () => printedTable(part))); }
    const place = table && around ? around : part;
    const told = line("Save ", ...buttons);
    if (part.localName === "figure") { part.append(told); } else { place.after(told); }
    if (table && part.dataset.conditions) { told.after(single(part)); }
  });
  // One condition alone, with all its figures.
  const single = (table) => {
    const select = document.createElement("select");
    body(table).forEach((row) => select.append(new Option(words(row.querySelector("th")), row.dataset.cell)));
    const rows = async () => (await rowsOf()).filter((row) => row.cell === select.value).map(({ suite, ...row }) => row);
    const label = document.createElement("label");
    label.append("One condition ", select, " ");
    const lead = async () => printedConditions((await rows()).filter((row) => text(row.group) === ""));
    return line(label, ...tables("one condition", "condition", rows, lead));
  };
  window.benchbed.take = take;
})();
