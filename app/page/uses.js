// The pages beside the chat: keeps the address of the page that is looked at, opens the page that an address names, and
// copies links. What a link holds is written and read by app/pages/link.py; here it is only passed on.
(() => {
  const tab = (key) => document.querySelector(`#tab-${key || "chat"}-button`);
  const keyOf = (button) => button.id.replace(/^tab-|-button$/g, "").replace(/^chat$/, "");
  const named = () => new URLSearchParams(location.search).get("use") ?? "";

  const title = () => {
    const chosen = document.querySelector("#pages [role=tab][aria-selected=true]");
    const brand = document.querySelector("#brand h1")?.textContent ?? document.title;
    document.title = chosen && keyOf(chosen) ? `${chosen.textContent.trim()} · ${brand}` : brand;
  };
  const choose = (key) => {
    const button = tab(key);
    if (button && button.getAttribute("aria-selected") !== "true") button.click();
    setTimeout(title, 50);
  };

  let going = false;  // the browser went back: the address is right already
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#pages [role=tab]");
    if (!button?.id.startsWith("tab-")) return;
    const key = keyOf(button);
    if (!going && key !== named()) history.pushState(null, "", key ? `?use=${key}` : location.pathname);
    setTimeout(title, 50);
  });
  addEventListener("popstate", () => { going = true; choose(named()); going = false; });

  // Tabs are read by arrow keys, as WAI-ARIA asks: gradio (6.31) leaves it at Tab.
  document.addEventListener("keydown", (event) => {
    const button = event.target.closest?.("#pages [role=tab]");
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!button || !by) return;
    const all = [...document.querySelectorAll("#pages [role=tab]")].filter((other) => other.offsetParent);
    const next = all[(all.indexOf(button) + by + all.length) % all.length];
    event.preventDefault();
    next.focus();
    next.click();
  });

  const soon = async (selector) => {
    for (let tries = 0; tries < 200; tries += 1) {
      const found = document.querySelector(selector);
      if (found) return found;
      await new Promise((done) => setTimeout(done, 50));
    }
    return null;
  };

  window.pointllmPages = {
    // What the address says, "" for the chat.
    query: () => (named() && tab(named()) ? location.search : ""),
    // The form has been filled: look at the page, and begin where the link gives something to begin with.
    opened: async () => {
      if (!tab(named())) return;
      going = true; choose(named()); going = false;
      const run = await soon(`#${CSS.escape(named())}-run`);
      if (run && [...new URLSearchParams(location.search).keys()].length > 1) setTimeout(() => run.click(), 100);
    },
    // Turns a query into an address, puts it into the address bar and, where the browser lets us, on the clipboard.
    share: (query) => {
      if (!query?.startsWith("?")) return query;
      history.replaceState(null, "", query);
      navigator.clipboard?.writeText(location.href).catch(() => {});
      return location.href;
    },
  };

  // A result that was chosen is shown below the others: mark it, and bring the large view into sight once it is there.
  document.addEventListener("click", (event) => {
    const hit = event.target.closest?.(".use-results [data-hit]");
    const view = hit?.closest(".use-results").querySelector(".use-view");
    if (!view) return;
    hit.closest(".hits").querySelectorAll("[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    hit.setAttribute("aria-current", "true");
    new MutationObserver((changes, observer) => {
      if (!view.querySelector("h3")) return;
      observer.disconnect();
      view.scrollIntoView({ block: "nearest", behavior: "smooth" });
    }).observe(view, { childList: true, subtree: true });
  });

  // Progress and results are read aloud: the places live on while what they hold changes.
  new MutationObserver(() => {
    for (const place of document.querySelectorAll(".use-status:not([aria-live])")) {
      place.setAttribute("role", "status");
      place.setAttribute("aria-live", "polite");
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
