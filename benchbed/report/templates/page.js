"use strict";
// Sorting, filtering, choosing columns, and taking the data along. It travels packed (boot.js).
(() => {
  const { unpack } = window.benchbed;
  const live = document.getElementById("live");
  const say = (text) => { live.textContent = ""; window.setTimeout(() => { live.textContent = text; }, 30); };

  // The choices live in the address, so that a link shows what its sender saw.
  const state = new URLSearchParams(location.search);
  const remember = (key, value) => {
    if (value) { state.set(key, value); } else { state.delete(key); }
    const query = state.toString();
    try { history.replaceState(null, "", (query ? "?" + query : location.pathname) + location.hash); } catch { /* some browsers forbid it for local files */ }
  };

  const numeric = (cell) => (cell.dataset.v === undefined || cell.dataset.v === "" ? NaN : Number(cell.dataset.v));

  const sort = (table, column, direction, announce) => {
    const heads = [...table.tHead.rows[0].cells];
    const head = heads.findIndex((cell) => cell.dataset.key === column);
    if (head < 0) { return; }
    const body = table.tBodies[0];
    const sign = direction === "ascending" ? 1 : -1;
    const byNumber = heads[head].dataset.type === "number";
    const keyed = [...body.rows].map((row, index) => {
      const cell = row.cells[head];
      return { row, index, key: byNumber ? numeric(cell) : (cell.dataset.v ?? cell.textContent).trim() };
    });
    keyed.sort((a, b) => {
      if (byNumber) {
        // Rows without a figure stay at the end in both directions.
        const missing = Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key));
        if (missing || Number.isNaN(a.key)) { return missing || a.index - b.index; }
        return sign * (a.key - b.key) || a.index - b.index;
      }
      return sign * a.key.localeCompare(b.key, undefined, { numeric: true }) || a.index - b.index;
    });
    body.append(...keyed.map((entry) => entry.row));
    heads.forEach((cell, index) => {
      if (index === head) { cell.setAttribute("aria-sort", direction); } else { cell.removeAttribute("aria-sort"); }
    });
    if (announce) {
      remember("sort." + table.id, column + ":" + direction);
      say("Sorted by " + heads[head].dataset.label + ", " + direction + ".");
    }
  };

  const sortable = (root) => root.querySelectorAll("table[data-sortable]").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head) => {
      const button = head.querySelector("button");
      if (!button) { return; }
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const first = head.dataset.first || "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        sort(table, head.dataset.key, now === first ? other : first, true);
      });
    });
    const wanted = (state.get("sort." + table.id) || "").match(/^(.*):(ascending|descending)$/);
    if (wanted) { sort(table, wanted[1], wanted[2], false); }
  });

  const choosable = (root) => root.querySelectorAll("select[data-choose]").forEach((select) => {
    const figures = [...document.getElementById(select.dataset.choose).querySelectorAll("[data-choice]")];
    const show = (announce) => {
      figures.forEach((figure) => { figure.hidden = figure.dataset.choice !== select.value; });
      if (announce) {
        remember("show." + select.dataset.choose, select.selectedIndex ? select.value : "");
        say(select.options[select.selectedIndex].textContent + " shown.");
      }
    };
    const wanted = state.get("show." + select.dataset.choose);
    if ([...select.options].some((option) => option.value === wanted)) { select.value = wanted; }
    select.addEventListener("change", () => show(true));
    show(false);
  });

  let filterable = () => {};
  // <boards> (left out of pages that have none)
  // One model of many lights up in the charts around it: pointed at, or chosen by name.
  const lit = (root, line) => root.querySelectorAll("[data-line]").forEach((part) => part.classList.toggle("lit", part.dataset.line === line));
  ["pointerover", "pointerout"].forEach((kind) => document.addEventListener(kind, ({ target }) => {
    const part = target.closest("[data-line]"), root = part && part.closest("[data-lines]");
    if (root) { lit(root, kind === "pointerover" ? part.dataset.line : root.querySelector("[data-light]")?.value); }
  }));
  document.addEventListener("change", ({ target }) => { if (target.matches("[data-light]")) { lit(target.closest("[data-lines]"), target.value); } });

  const form = document.querySelector("form[data-filter]");
  filterable = () => {
    if (!form) { return; }
    const tables = [...document.querySelectorAll("table[data-filterable]")];
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
    const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const count = form.querySelector("output");
    const selects = [...form.querySelectorAll("select")];
    const filter = (announce) => {
      const text = form.elements.q.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row) => {
        const fits = selects.every((select) => !select.value || (select.name === "size"
          ? row.dataset.size !== "" && Number(row.dataset.size) <= Number(select.value)
          : row.dataset[select.name] === select.value));
        row.hidden = !(fits && (!text || words.get(row).includes(text)));
        shown += row.hidden ? 0 : 1;
      });
      count.textContent = shown + " of " + rows.length + " runs";
      if (announce) {
        remember("q", text);
        selects.forEach((select) => remember(select.name, select.value));
        say(count.textContent + " shown.");
      }
    };
    const sheet = document.head.appendChild(document.createElement("style")).sheet;
    const columns = (announce) => {
      const off = [...form.querySelectorAll("input[name=column]:not(:checked)")].map((box) => box.value);
      while (sheet.cssRules.length) { sheet.deleteRule(0); }
      tables.forEach((table) => {
        [...table.tHead.rows[0].cells].forEach((head, index) => {
          if (off.includes(head.dataset.key)) {
            sheet.insertRule("#" + table.id + " tr > :nth-child(" + (index + 1) + ") { display: none; }");
          }
        });
      });
      if (announce) { remember("hide", off.join("~") || "~"); }
    };
    form.elements.q.value = state.get("q") || "";
    selects.forEach((select) => {
      const wanted = state.get(select.name) || "";
      select.value = [...select.options].some((option) => option.value === wanted) ? wanted : "";
    });
    if (state.has("hide")) {
      const hidden = state.get("hide").split("~");
      form.querySelectorAll("input[name=column]").forEach((box) => { box.checked = !hidden.includes(box.value); });
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => { if (event.target.name === "column") { columns(true); } else { filter(true); } });
    form.addEventListener("reset", () => window.setTimeout(() => { filter(true); columns(true); remember("hide", ""); }));
    filter(false);
    columns(false);
    // Beside a wide table the form stands open; on a phone it would fill the screen, unless the address filters.
    const fold = form.closest("details[data-wide]");
    const wide = window.matchMedia("(min-width: 46.01rem)");
    const used = ["q", "hide", ...selects.map((select) => select.name)].some((name) => state.get(name));
    const open = () => { fold.open = wide.matches || used; };
    if (fold) {
      wide.addEventListener("change", open);
      open();
    }
  };
  // </boards>
  sortable(document);
  choosable(document);
  // A long table travels packed: it is filtered once it is there.
  if (!document.getElementById("folded")) { filterable(); }

  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
    link.download = name;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  // A spreadsheet would run a text that starts like a formula.
  const quote = (value) => {
    if (value === null || value === undefined) { return ""; }
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const csv = (rows) => {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return [columns, ...rows.map((row) => columns.map((column) => row[column]))].map((row) => row.map(quote).join(",")).join("\r\n") + "\r\n";
  };
  const median = (condition) => (condition.achieved ? condition.achieved.median : undefined);
  const told = (strength) => (strength !== null && typeof strength === "object"
    ? (Array.isArray(strength) ? strength : Object.entries(strength).map(([key, value]) => key + " " + value)).join("; ") : strength);
  const flat = (record) => {
    const rows = [];
    const add = (place, group, metrics) => Object.entries(metrics || {}).forEach(([metric, figure]) => rows.push({
      model: record.model.name, dataset: record.dataset.name, synthetic: record.dataset.synthetic, ...place, group, metric,
      value: figure.value, low: figure.low, high: figure.high, n: figure.n, direction: figure.direction, unit: figure.unit,
      rule: figure.rule, interval: figure.interval, reason: figure.reason,
    }));
    const place = (cell, what) => ({
      cell: cell.key, task: cell.task, split: cell.split, kind: what.kind, condition: what.name, family: what.group,
      severity: what.severity, parameter: told(what.parameter), parameter_unit: what.unit, achieved: median(what),
    });
    add(place({}, {}), undefined, record.scores);
    record.cells.forEach((cell) => {
      const here = place(cell, cell.condition);
      add(here, undefined, cell.metrics);
      Object.entries(cell.groups || {}).forEach(([group, metrics]) => add(here, group, metrics));
    });
    return rows;
  };
  // The same rows from figures that are carried column by column.
  const columns = (data) => data.blocks.flatMap((block) => block.at.map((cell, index) => ({
    model: data.model, dataset: data.dataset, synthetic: data.synthetic,
    ...Object.fromEntries(Object.entries(data.cells).map(([name, held]) => [name, cell < 0 ? null : held[cell]])),
    group: null, metric: block.metric, value: block.value[index],
    low: block.low ? block.low[index] : null, high: block.high ? block.high[index] : null,
    n: Array.isArray(block.n) ? block.n[index] : block.n, direction: block.direction, unit: block.unit, rule: block.rule,
    interval: block.interval, reason: block.reason,
  })));
  const island = document.getElementById("data");
  const carried = async () => {
    const data = JSON.parse(await unpack(island.textContent));
    return data.format === "figures" ? { ...data, rows: columns(data) } : data;
  };
  const unfold = (part, markup) => {
    const fresh = document.createElement("div");
    fresh.innerHTML = markup;
    part.replaceWith(fresh);
    sortable(fresh);
    choosable(fresh);
    document.dispatchEvent(new CustomEvent("unfolded", { detail: fresh }));
  };
  const folded = document.getElementById("folded");
  unpack(folded ? folded.textContent : "").then((text) => {
    const parts = text.split("\u0000");
    // What only packed parts need of the style comes with them, as pieces between those that the page has.
    const sheet = document.querySelector("style"), had = sheet.textContent, style = parts.pop();
    if (style) { sheet.textContent = style.replace(/\u0001(\d+),(\d+);/g, (_, from, end) => had.slice(from, end)); }
    document.querySelectorAll("[data-packed]").forEach((part) => unfold(part, parts[Number(part.dataset.packed)]));
    if (folded) { filterable(); }
    document.documentElement.dataset.unfolded = "yes";
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const around = target && target.closest("details");
    if (around) { around.open = true; }
    if (around || (target && folded)) { target.scrollIntoView(); }
    window.benchbed.take(document);
    document.documentElement.dataset.taken = "yes";
  });
  const rowsOf = async () => { const data = await carried(); return data.rows || flat(data); };
  // What charts and tables are taken away with (taken.js).
  Object.assign(window.benchbed, { say, save, quote, rowsOf });
  document.querySelectorAll("button[data-save]").forEach((button) => button.addEventListener("click", async () => {
    const data = await carried();
    const name = button.dataset.name;
    if (button.dataset.save === "json") { save(name + ".json", "application/json", JSON.stringify(data.blocks ? data.rows : data, null, 1)); }
    else { save(name + ".csv", "text/csv", csv(data.rows || flat(data))); }
    say("Saved " + name + "." + button.dataset.save + ".");
  }));
  // Packed parts bring such buttons later.
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-copy]"), from = button && document.getElementById(button.dataset.copy);
    const selected = () => { getSelection().selectAllChildren(from); say("Selected; copy with the keyboard."); };
    if (!from) { return; }
    if (navigator.clipboard) { navigator.clipboard.writeText(from.textContent).then(() => say("Copied."), selected); } else { selected(); }
  });

  // Paper cannot unfold.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((part) => { part.open = false; }); opened = []; });
})();
