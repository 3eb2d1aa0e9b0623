"use strict";
// All else that is long travels packed: the page's own script, its data and folded parts. Nothing is fetched to unpack
// them. Without this script the figures are still on the page, apart from long tables that are folded away.
(() => {
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#%()*+-./:;=?@[]^_{|}~";
  // Long texts have their numbers apart (gathered.py): a line for each of what stands before them.
  const together = (text) => {
    if (text[0] !== "\u0003") { return text; }
    const [, words, numbers] = text.split("\u0003");
    const columns = numbers.split("\n").map((line) => line.split(" ")), known = new Map();
    const [first, ...parts] = words.split("\u0002");
    let before = first;
    return first + parts.map((part) => {
      const place = before.slice(-8);
      if (!known.has(place)) { known.set(place, columns.shift()); }
      before = part;
      return known.get(place).shift() + part;
    }).join("");
  };
  const unpack = async (text) => {
    const [head, packed] = text.trim().split(",", 2);
    if (head !== "deflate;base85") { return text; }
    const bytes = new DataView(new ArrayBuffer(4 * Math.ceil(packed.length / 5)));
    for (let at = 0; at < packed.length; at += 5) {
      bytes.setUint32(at / 5 * 4, [...packed.slice(at, at + 5).padEnd(5, "~")].reduce((sum, letter) => 85 * sum + DIGITS.indexOf(letter), 0));
    }
    const stream = new Blob([bytes.buffer.slice(0, Math.floor(packed.length * 4 / 5))]).stream();
    return together(await new Response(stream.pipeThrough(new DecompressionStream("deflate"))).text());
  };
  document.documentElement.classList.remove("no-js");
  window.benchbed = { unpack };
  unpack(document.getElementById("more").textContent).then((code) => {
    const more = document.createElement("script");
    more.textContent = code;
    document.head.append(more);
  });
})();
