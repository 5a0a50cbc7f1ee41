// What people do on the chat page beyond gradio's own components: chips of the inputs, keys, links, the connection.
(() => {
  const pointllm = (window.pointllm ??= {});
  // `trigger` of the bridge, a hidden gr.HTML; its events are wired in app/chat_page/page.py.
  pointllm.connect = (trigger, names) => {
    pointllm.send = (name, data = {}) => { if (names.includes(name)) trigger(name, data); };
  };
  pointllm.send = () => {};
  pointllm.texts = () => JSON.parse(document.querySelector("#brand [data-texts]")?.dataset.texts ?? "{}");

  // -- chips ---------------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("#chips [data-do]");
    const key = pressed?.closest("[data-key]")?.dataset.key;
    if (key && pressed.dataset.do !== "weigh") pointllm.send("chip", { key, action: pressed.dataset.do });
  });
  document.addEventListener("change", (event) => {
    const slider = event.target.closest?.("#chips input[data-do=weigh]");
    if (!slider) return;
    const key = slider.closest("[data-key]").dataset.key;
    pointllm.send("chip", { key, action: "weigh", value: Number(slider.value) });
  });

  // -- keys ----------------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (pointllm.closeDrawer?.()) return;
    if (document.querySelector("#question .stop-button")) pointllm.send("stop_now");
  });

  // -- links ---------------------------------------------------------------------------------------------------------

  const LINK = /^https?:\/\/[^\s/]+\.[^\s]+$/i;
  const box = () => document.querySelector("#question textarea");
  const write = (words) => {
    const setter = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
    setter.call(box(), words);
    box().dispatchEvent(new Event("input", { bubbles: true }));
  };
  const offer = (link) => {
    const tools = document.querySelector("#tools .tools");
    if (!tools?.querySelector("[data-tool-of-chat=link]")) return;
    let shown = tools.querySelector(".offer");
    if (!link) return shown?.remove();
    shown ??= tools.insertBefore(document.createElement("button"), tools.firstChild);
    shown.type = "button";
    shown.className = "offer";
    shown.dataset.link = link;
    shown.textContent = pointllm.texts().offer_link.replace("{host}", new URL(link).host);
  };
  document.addEventListener("input", (event) => {
    if (event.target !== box()) return;
    const words = event.target.value.trim();
    offer(LINK.test(words) && URL.canParse(words) ? words : null);
  });
  document.addEventListener("click", (event) => {
    const accepted = event.target.closest?.("#tools .offer");
    if (accepted) {
      pointllm.send("link", { link: accepted.dataset.link });
      write("");
      box().focus();
    }
    if (event.target.closest?.("[data-tool-of-chat=link]")) {
      const texts = pointllm.texts();
      pointllm.dialog(texts.link_title, (dialog) => {
        const form = document.createElement("form");
        form.method = "dialog";
        form.innerHTML = '<input type="url" required placeholder="https://…"><button class="go"></button>';
        form.querySelector("button").textContent = texts.link_add;
        form.querySelector("input").setAttribute("aria-label", texts.link_title);
        form.addEventListener("submit", () => pointllm.send("link", { link: form.querySelector("input").value.trim() }));
        dialog.append(form);
      });
    }
  });
  // A dialogue of the page's own, removed when it is closed.
  pointllm.dialog = (title, fill) => {
    const dialog = document.createElement("dialog");
    dialog.className = "asks";
    const heading = document.createElement("h2");
    heading.textContent = title;
    const close = document.createElement("button");
    Object.assign(close, { type: "button", className: "close", textContent: "×" });
    close.setAttribute("aria-label", pointllm.texts().close);
    close.addEventListener("click", () => dialog.close());
    dialog.append(heading, close);
    dialog.addEventListener("close", () => dialog.remove());
    fill(dialog);
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  };

  // -- the connection ------------------------------------------------------------------------------------------------

  const LONG_AWAY = 10 * 60 * 1000;  // milliseconds; after a sleep of the computer the server may have ended the session
  let hiddenAt = 0;
  const back = () => pointllm.send("back", { kept: pointllm.carried?.() ?? "" });
  const notice = pointllm.notice = (words) => {
    let shown = document.querySelector("#notice");
    if (!words) return shown?.remove();
    shown ??= document.body.appendChild(document.createElement("div"));
    shown.id = "notice";
    shown.setAttribute("role", "status");
    shown.textContent = words;
  };
  addEventListener("offline", () => notice(pointllm.texts().offline));
  addEventListener("online", () => { notice(null); back(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenAt = Date.now();
    else if (hiddenAt && Date.now() - hiddenAt > LONG_AWAY) back();
  });

  // -- the first visit -----------------------------------------------------------------------------------------------

  const HINT = "pointllm-hint-read";
  const hint = () => {
    const place = document.querySelector("#tools");
    if (!place || localStorage.getItem(HINT) || document.querySelector("#first-hint")) return;
    const shown = document.createElement("p");
    shown.id = "first-hint";
    shown.append(pointllm.texts().hint ?? "", " ");
    const read = document.createElement("button");
    read.type = "button";
    read.textContent = pointllm.texts().hint_read ?? "OK";
    read.addEventListener("click", () => { localStorage.setItem(HINT, "1"); shown.remove(); });
    shown.append(read);
    place.before(shown);
  };
  pointllm.translate = () => {
    document.querySelector("#first-hint")?.remove();
    hint();
    document.dispatchEvent(new Event("pointllm:language"));
  };
  let language = "";
  const watch = () => new MutationObserver(() => {
    const texts = document.querySelector("#brand [data-texts]")?.dataset.texts ?? "";
    if (!texts || texts === language || !document.querySelector("#tools")) return;
    language = texts;
    pointllm.translate();
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ["data-texts"] });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
