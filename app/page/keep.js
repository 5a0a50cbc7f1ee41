// Keeps conversations in this browser (IndexedDB), one record each: {id, title, changed, kept}. `kept` is the JSON that
// the server writes; it names files by tickets and is handed back when a conversation is opened again. The tab
// remembers which one it shows; a new tab goes on with the last one, unless another tab shows that.
(() => {
  const pointllm = (window.pointllm ??= {});
  const TAB = "pointllm-current", LAST = "pointllm-last";
  let now = "", id = "";
  const gone = new Set();  // deleted ones: what of them is still on its way must not bring them back

  const database = new Promise((resolve) => {
    try {
      const request = indexedDB.open("pointllm", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("chats", { keyPath: "id" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
    } catch { resolve(null); }  // a private window may have none: then nothing is kept, and everything else works
  });
  const ask = async (mode, act, otherwise) => {
    const opened = await database;
    if (!opened) return otherwise;
    return new Promise((resolve) => {
      const request = act(opened.transaction("chats", mode).objectStore("chats"));
      request.onsuccess = () => resolve(request.result ?? otherwise);
      request.onerror = () => resolve(otherwise);
    });
  };
  const told = () => document.dispatchEvent(new Event("pointllm:chats"));

  const channel = "BroadcastChannel" in window ? new BroadcastChannel("pointllm") : null;
  channel?.addEventListener("message", ({ data }) => {
    if (data.who && data.who === id) channel.postMessage({ mine: id });
    if (data.changed) told();
  });
  const shownElsewhere = (wanted) => new Promise((resolve) => {
    if (!channel) return resolve(false);
    const heard = ({ data }) => { if (data.mine === wanted) done(true); };
    const done = (answer) => { channel.removeEventListener("message", heard); resolve(answer); };
    channel.addEventListener("message", heard);
    channel.postMessage({ who: wanted });
    setTimeout(() => done(false), 80);
  });

  const show = (kept, of) => {
    now = kept;
    id = of;
    sessionStorage.setItem(TAB, id);
  };
  const titleOf = (chat) => {
    const first = chat.turns.find((turn) => turn.question)?.question ?? "";
    const names = chat.inputs.filter((input) => !input.removed).map((input) => input.name);
    return [names[0] && names.length > 1 ? `${names[0]} +${names.length - 1}` : names[0], first]
      .filter(Boolean).join(" · ").slice(0, 120);
  };

  // What the server wrote of the conversation on the page.
  pointllm.keep = async (json) => {
    if (!json || json === now) return;
    const chat = JSON.parse(json);
    if (gone.has(chat.id)) return;
    show(json, chat.id);
    if (!chat.turns.length && !chat.inputs.length) return told();
    localStorage.setItem(LAST, chat.id);
    const before = await ask("readonly", (chats) => chats.get(chat.id));
    const title = before?.named ? before.title : chat.title || titleOf(chat);
    const record = { id: chat.id, title, named: before?.named || Boolean(chat.title), changed: Date.now(), kept: json };
    await ask("readwrite", (chats) => chats.put(record));
    told();
    channel?.postMessage({ changed: true });
  };
  // What the page shows, for a server that may have forgotten it.
  pointllm.carried = () => now;
  pointllm.shown = () => id;
  // The conversation to begin with.
  pointllm.arrive = async () => {
    const own = sessionStorage.getItem(TAB);
    const wanted = own ?? localStorage.getItem(LAST);
    if (!wanted || (!own && await shownElsewhere(wanted))) return "";
    const record = await ask("readonly", (chats) => chats.get(wanted));
    if (record) show(record.kept, record.id);
    return record?.kept ?? "";
  };
  pointllm.chats = async () => {
    const all = await ask("readonly", (chats) => chats.getAll(), []);
    return all.sort((one, other) => other.changed - one.changed);
  };
  pointllm.rename = async (which, title) => {
    const record = await ask("readonly", (chats) => chats.get(which));
    if (record) await ask("readwrite", (chats) => chats.put({ ...record, title, named: true }));
    told();
  };
  pointllm.forget = async (which) => {
    gone.add(which);
    if (localStorage.getItem(LAST) === which) localStorage.removeItem(LAST);
    await ask("readwrite", (chats) => chats.delete(which));
    told();
    channel?.postMessage({ changed: true });
  };
})();
