// Plays what the panel shows of sounds and videos: a waveform to click into (elements of class "sound-view", whose
// data-wave says how loud it is over time), and a picture in the place of videos that this browser can't play.
(() => {
  const ICONS = {
    play: '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M8 5.500v13l10.500-6.500z" fill="currentColor"/></svg>',
    pause: '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M7 5.500h3.500v13H7zM13.500 5.500H17v13h-3.500z" fill="currentColor"/></svg>',
  };
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  const bringToLife = (place) => {
    const [audio, canvas, slider, button, shown] = ["audio", "canvas", "input", "button", "output"].map((name) => place.querySelector(name));
    const wave = JSON.parse(place.dataset.wave), length = () => (isFinite(audio.duration) && audio.duration) || Number(place.dataset.length);
    const draw = () => {
      const ratio = devicePixelRatio || 1, { clientWidth: across, clientHeight: down } = canvas;
      if (!across) return;
      Object.assign(canvas, { width: across * ratio, height: down * ratio });
      const pen = canvas.getContext("2d"), style = getComputedStyle(place);
      pen.scale(ratio, ratio);
      const count = Math.min(wave.length, Math.floor(across / 3)), step = across / count, played = audio.currentTime / length();
      for (let bar = 0; bar < count; bar += 1) {
        const from = Math.floor(bar / count * wave.length), to = Math.max(from + 1, Math.floor((bar + 1) / count * wave.length));
        const tall = Math.max(2, Math.max(...wave.slice(from, to)) * (down - 6));
        pen.fillStyle = style.getPropertyValue((bar + 0.5) / count <= played ? "--wave-played" : "--wave");
        pen.fillRect(bar * step, (down - tall) / 2, Math.max(1, step - 1.5), tall);
      }
    };
    const refresh = () => {
      if (!place.isConnected) { audio.pause(); return; }
      slider.value = audio.currentTime;
      slider.setAttribute("aria-valuetext", `${clock(audio.currentTime)} / ${clock(length())}`);
      shown.textContent = clock(audio.currentTime);
      draw();
      if (!audio.paused) requestAnimationFrame(refresh);
    };
    const label = () => {
      button.innerHTML = audio.paused ? ICONS.play : ICONS.pause;
      button.setAttribute("aria-label", audio.paused ? place.dataset.play : place.dataset.pause);
      refresh();
    };
    button.addEventListener("click", () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
    slider.addEventListener("input", () => { audio.currentTime = Number(slider.value); refresh(); });
    for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, label);
    audio.addEventListener("seeked", refresh);
    new ResizeObserver(draw).observe(canvas);
    new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });  // light and dark
    label();
    place.dataset.state = "shown";
  };

  const look = () => {
    document.querySelectorAll(".sound-view:not([data-state])").forEach(bringToLife);
    document.querySelectorAll(".video-view:not([data-state])").forEach((place) => {
      place.dataset.state = "shown";
      const video = place.querySelector("video");
      video?.addEventListener("error", () => {
        const picture = Object.assign(document.createElement("img"), { src: place.dataset.poster, alt: video.getAttribute("aria-label") });
        video.replaceWith(picture);
      });
    });
  };
  const watch = () => {
    look();
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
})();
