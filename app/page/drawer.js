// The drawer at the left: the conversations that this browser keeps (keep.js). One is opened, renamed, deleted, or
// saved as a file by the server, which has the inputs.
(() => {
  const pointllm = (window.pointllm ??= {});
  let drawer, sure = "";

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const button = (action, sign, label, id = "") =>
    make("button", { type: "button", "data-drawer": action, "data-id": id, "aria-label": label, title: label }, sign);

  const row = (chat, texts) => {
    const when = new Date(chat.changed).toLocaleString(document.documentElement.lang || undefined,
      { dateStyle: "medium", timeStyle: "short" });
    const opened = make("button", { type: "button", class: "open", "data-drawer": "open", "data-id": chat.id },
      make("span", { class: "title" }, chat.title || texts.untitled), make("span", { class: "when" }, when));
    if (chat.id === pointllm.shown()) opened.setAttribute("aria-current", "true");
    const actions = sure === chat.id
      ? [make("button", { type: "button", class: "sure", "data-drawer": "delete", "data-id": chat.id }, texts.sure)]
      : [button("rename", "✎", texts.rename, chat.id), button("markdown", "MD", texts.markdown, chat.id),
        button("json", "{ }", texts.json, chat.id), button("ask-delete", "×", texts.remove, chat.id)];
    return make("li", {}, opened, make("span", { class: "actions" }, ...actions));
  };
  const fill = async () => {
    if (!drawer || drawer.hidden) return;
    const texts = pointllm.texts(), chats = await pointllm.chats();
    const list = chats.length ? make("ul", {}, ...chats.map((chat) => row(chat, texts)))
      : make("p", { class: "empty" }, texts.no_chats);
    drawer.replaceChildren(
      make("header", {}, make("h2", {}, texts.chats), button("toggle", "×", texts.close)),
      make("div", { class: "ways" },
        make("button", { type: "button", "data-drawer": "import" }, texts.import)),
      list, make("p", { class: "note" }, texts.where_kept));
  };
  const toggle = (open) => {
    drawer ??= document.body.appendChild(make("aside", { id: "drawer", hidden: "", tabindex: "-1" }));
    drawer.setAttribute("aria-label", pointllm.texts().chats);
    sure = "";
    drawer.hidden = !open;
    document.querySelector("[data-drawer=toggle][aria-controls]")?.setAttribute("aria-expanded", String(open));
    if (open) fill().then(() => drawer.querySelector("button.open, button")?.focus());
  };
  pointllm.closeDrawer = () => {
    if (!drawer || drawer.hidden) return false;
    toggle(false);
    document.querySelector("[data-drawer=toggle][aria-controls]")?.focus();
    return true;
  };

  const rename = (li, chat) => {
    const input = make("input", { value: chat.title, "aria-label": pointllm.texts().rename, maxlength: "120" });
    li.querySelector(".open").replaceWith(input);
    input.focus();
    input.select();
    let done = false;
    const end = (kept) => {
      if (done) return;
      done = true;
      if (kept && input.value.trim()) pointllm.rename(chat.id, input.value.trim()); else fill();
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") { event.stopPropagation(); end(false); }
    });
    input.addEventListener("blur", () => end(true));
  };

  document.addEventListener("click", async (event) => {
    const pressed = event.target.closest?.("[data-drawer]");
    if (!pressed) {
      if (drawer && !drawer.hidden && !drawer.contains(event.target) && innerWidth < 860) toggle(false);
      return;
    }
    const action = pressed.dataset.drawer;
    if (action === "toggle") return toggle(!drawer || drawer.hidden);
    if (action === "import") return document.querySelector("#bring input[type=file]")?.click();
    const chat = (await pointllm.chats()).find((one) => one.id === pressed.dataset.id);
    if (!chat) return fill();
    if (action === "open") {
      if (chat.id !== pointllm.shown()) pointllm.send("open_chat", { kept: chat.kept });
      if (innerWidth < 860) toggle(false);
    }
    if (action === "rename") rename(pressed.closest("li"), chat);
    if (action === "markdown" || action === "json") {
      pointllm.notice(pointllm.texts().saving);
      pointllm.send("save_chat", { kept: chat.kept, title: chat.title, kind: action });
    }
    if (action === "ask-delete") { sure = chat.id; fill().then(() => drawer.querySelector(".sure")?.focus()); }
    if (action === "delete") {
      sure = "";
      const shown = chat.id === pointllm.shown();
      await pointllm.forget(chat.id);
      if (shown) document.querySelector("#new-chat")?.click();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest?.("#bring") && event.target.files?.length) pointllm.notice(pointllm.texts().opening);
  }, true);
  document.addEventListener("pointllm:chats", fill);
  document.addEventListener("pointllm:language", fill);
  // A file that the server wrote is fetched by the browser's own means.
  pointllm.download = (told) => {
    if (!told) return;
    const { address, name } = JSON.parse(told);
    make("a", { href: address, download: name }).click();
  };
})();
