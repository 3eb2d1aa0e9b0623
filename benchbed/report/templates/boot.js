"use strict";
// All else that is long travels packed: the page's own script, its data and folded parts. Nothing is fetched to unpack
// them. Without this script the figures are still on the page, apart from long tables that are folded away.
(() => {
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#%()*+-./:;=?@[]^_{|}~";
  const unpack = async (text) => {
    const [head, packed] = text.trim().split(",", 2);
    if (head !== "deflate;base85") { return text; }
    const bytes = new DataView(new ArrayBuffer(4 * Math.ceil(packed.length / 5)));
    for (let at = 0; at < packed.length; at += 5) {
      bytes.setUint32(at / 5 * 4, [...packed.slice(at, at + 5).padEnd(5, "~")].reduce((sum, letter) => 85 * sum + DIGITS.indexOf(letter), 0));
    }
    return new Response(new Blob([bytes.buffer.slice(0, Math.floor(packed.length * 4 / 5))]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  };
  document.documentElement.classList.remove("no-js");
  window.benchbed = { unpack };
  unpack(document.getElementById("more").textContent).then((code) => {
    const more = document.createElement("script");
    more.textContent = code;
    document.head.append(more);
  });
})();
