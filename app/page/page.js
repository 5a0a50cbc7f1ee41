// What the page does by itself: remembers light or dark, and takes files that are dropped or pasted anywhere on it
// by handing them to the text box's own file input.
(() => {
  const THEME = "pointllm-theme";

  const paint = () => {
    const kept = localStorage.getItem(THEME);
    const dark = kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.body.classList.toggle("dark", dark);
  };
  window.pointllmSwitchTheme = () => {
    localStorage.setItem(THEME, document.body.classList.contains("dark") ? "light" : "dark");
    paint();
  };
  // Gradio sets its own class once while it mounts; ours has the last word.
  const keepPainted = () => {
    paint();
    new MutationObserver((changes, observer) => {
      if (document.querySelector("#question textarea")) { observer.disconnect(); paint(); }
    }).observe(document.body, { childList: true, subtree: true });
  };
  // Gradio may add this script to a page that has loaded already.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", keepPainted);
  else keepPainted();

  const give = (files) => {
    const input = document.querySelector("#question input[type=file]");
    if (!input || !files.length) return;
    const kept = new DataTransfer();
    for (const file of files) kept.items.add(file);
    input.files = kept.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  (window.pointllm ??= {}).give = give;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const inBox = (event) => event.target.closest?.("#question");

  let depth = 0;
  const still = () => { depth = 0; document.body.classList.remove("dragging"); };
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    document.body.dataset.drop = document.querySelector("#brand [data-drop]")?.dataset.drop ?? "";
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => { if (hasFiles(event) && --depth <= 0) still(); });
  document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    still();
    if (inBox(event)) return;  // the text box takes it itself
    event.preventDefault();
    give(event.dataTransfer.files);
  }, true);
  document.addEventListener("paste", (event) => {
    if (!inBox(event) && event.clipboardData?.files.length) give(event.clipboardData.files);
  });
})();
