// Mends what gradio's own components (6.31) tell assistive technology wrongly, as axe-core finds it; and says aloud
// what they show by a sign alone. Changes attributes, never what is seen.
(() => {
  // Selector → attributes to set; null removes one.
  const MENDED = [
    ["#chat .examples[role=list]", { role: "group" }],  // holds buttons, no list items
    [".thumbnail-wrapper[role=listitem]", { role: "group" }],  // stands in no list
  ];
  const set = (one, name, value) => {
    if (value === null) one.removeAttribute(name);
    else if (one.getAttribute(name) !== value) one.setAttribute(name, value);
  };
  const mend = () => {
    for (const [selector, attributes] of MENDED) {
      for (const one of document.querySelectorAll(selector)) for (const [name, value] of Object.entries(attributes)) set(one, name, value);
    }
    const brand = document.querySelector("#brand .brand"), theme = document.querySelector("#theme");
    if (brand?.lang) set(document.documentElement, "lang", brand.lang);
    if (brand && theme) { set(theme, "aria-label", brand.dataset.themeLabel); set(theme, "title", brand.dataset.themeLabel); }
  };
  let waiting = false;
  const watch = () => {
    mend();
    new MutationObserver(() => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mend(); });
    }).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
