// The inputs of the page that adds and subtracts as rows: a weight, and words or the name of a file. What counts is the
// text box beside them, a line for each input (app/pages/combine.py); rows are drawn from it and written back to it.
(() => {
  const LINE = /^\s*([+\-−–])?\s*(?:(\d+(?:[.,]\d+)?|[.,]\d+)\s*[×*·]\s*)?(.*?)\s*$/;
  const box = () => document.querySelector("#combine-terms textarea");
  const place = () => document.querySelector(".terms");
  let written = null, uploads = [];

  const read = (text) => text.split("\n").map((line) => {
    const [, sign, number, what] = line.match(LINE) ?? [];
    const weight = Number((number ?? "1").replace(",", "."));
    return { weight: sign && sign !== "+" ? -weight : weight, what };
  }).filter((term) => term.what);

  const write = () => {
    const rows = [...place().querySelectorAll(".term")].map((row) => {
      const [weight, what] = row.querySelectorAll("input");
      return what.value.trim() ? `${weight.value === "" ? 1 : Number(weight.value)} × ${what.value.trim()}` : "";
    });
    written = rows.filter(Boolean).join("\n");
    box().value = written;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  };

  const row = ({ weight, what }, number, words) => {
    const made = document.createElement("div");
    made.className = "term";
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", words.term.replace("{number}", number));
    made.innerHTML = `<input type="number" step="0.1" min="-1000" max="1000"><span aria-hidden="true">×</span>
      <input type="text" list="terms-names" autocomplete="off"><button type="button" data-remove>✕</button>`;
    const [count, name] = made.querySelectorAll("input");
    count.value = weight;
    count.setAttribute("aria-label", words.weight);
    name.value = what;
    name.placeholder = words.what;
    name.setAttribute("aria-label", words.what);
    made.querySelector("button").setAttribute("aria-label", words.remove);
    return made;
  };

  const offer = () => {
    const list = document.querySelector("#terms-names");
    list?.replaceChildren(...[...new Set([...uploads, ...JSON.parse(place().dataset.samples)])].map((name) => {
      const option = document.createElement("option");
      option.value = name;
      return option;
    }));
  };

  const draw = (text) => {
    const at = place();
    if (!at) return;
    const words = JSON.parse(at.dataset.words);
    const terms = read(text);
    const rows = document.createElement("div");
    rows.className = "rows";
    rows.append(...(terms.length ? terms : [{ weight: 1, what: "" }]).map((term, index) => row(term, index + 1, words)));
    const names = document.createElement("datalist");
    names.id = "terms-names";
    const add = document.createElement("button");
    add.type = "button";
    add.dataset.add = "";
    add.textContent = words.add;
    const asText = document.createElement("button");
    asText.type = "button";
    asText.dataset.text = "";
    asText.textContent = words.text;
    asText.setAttribute("aria-expanded", at.classList.contains("text"));
    at.replaceChildren(rows, add, asText, names);
    at.classList.add("ready");
    written = text;
    offer();
  };

  document.addEventListener("input", (event) => { if (event.target.closest?.(".terms .term")) write(); });
  document.addEventListener("click", (event) => {
    const at = event.target.closest?.(".terms");
    if (!at) return;
    if (event.target.closest("[data-remove]")) {
      const gone = event.target.closest(".term");
      const next = gone.nextElementSibling ?? gone.previousElementSibling;
      gone.remove();
      if (!next) at.querySelector(".rows").append(row({ weight: 1, what: "" }, 1, JSON.parse(at.dataset.words)));
      (next ?? at.querySelector(".term")).querySelector("input[type=text]").focus();
      write();
    }
    const asText = event.target.closest("[data-text]");
    if (asText) {
      asText.setAttribute("aria-expanded", at.classList.toggle("text"));
      if (at.classList.contains("text")) box().focus();
    }
    if (event.target.closest("[data-add]")) {
      const rows = at.querySelector(".rows");
      rows.append(row({ weight: 1, what: "" }, rows.children.length + 1, JSON.parse(at.dataset.words)));
      rows.lastElementChild.querySelector("input[type=text]").focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest?.(".terms .term")) document.querySelector("#combine-run")?.click();
  });

  window.pointllmTerms = {
    draw: (text) => { if ((text ?? "") !== written) draw(text ?? ""); },
    offer: (files) => { uploads = (files ?? []).map((file) => file.path.split(/[\\/]/).pop()); offer(); },
  };
  new MutationObserver(() => {
    if (document.querySelector(".terms:not(.ready)") && box()) draw(box().value);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
