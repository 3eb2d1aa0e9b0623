"use strict";
// Tables that are wider or longer than their place say so, and which way they go on.
(() => {
  const tell = (part) => {
    const hidden = part.scrollWidth - part.clientWidth;
    const ways = [];
    if (hidden > 2 && part.scrollLeft > 1) { ways.push("left"); }
    if (hidden > 2 && part.scrollLeft < hidden - 1) { ways.push("right"); } else if (ways.length) { ways.push("none"); }
    if (ways.join(" ") !== (part.dataset.more ?? "")) {
      if (ways.length) { part.dataset.more = ways.join(" "); } else { delete part.dataset.more; }
    }
    const under = part.scrollHeight - part.clientHeight;
    const below = under <= 2 ? "" : part.scrollTop < under - 2 ? "more" : "none";
    if (below !== (part.dataset.below ?? "")) {
      if (below) { part.dataset.below = below; } else { delete part.dataset.below; }
    }
  };
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => tell(entry.target)));
  const watch = (root) => root.querySelectorAll(".scroll").forEach((part) => {
    sizes.observe(part);
    part.addEventListener("scroll", () => tell(part), { passive: true });
  });
  watch(document);
  document.addEventListener("unfolded", (event) => watch(event.detail));
})();
