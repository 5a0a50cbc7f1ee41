// Takes a picture or a short video with the camera and hands it to the text box, like any other file.
(() => {
  const pointllm = (window.pointllm ??= {});
  const SECONDS = 15;  // of a video: what the model looks at is a handful of frames
  const KINDS = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];

  const stamp = () => new Date().toISOString().slice(0, 19).replace(/[-:T]/g, "");
  const takePicture = async (video) => {
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
    pointllm.give([new File([blob], `photo-${stamp()}.jpg`, { type: "image/jpeg" })]);
  };
  const record = (stream, button, done) => {
    const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
    const recorder = new MediaRecorder(stream, { mimeType: kind }), pieces = [];
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.onstop = () => {
      const suffix = kind.startsWith("video/mp4") ? "mp4" : "webm";
      pointllm.give([new File(pieces, `video-${stamp()}.${suffix}`, { type: kind.split(";")[0] })]);
      done();
    };
    recorder.start();
    button.textContent = pointllm.texts().camera_stop;
    setTimeout(() => { if (recorder.state === "recording") recorder.stop(); }, SECONDS * 1000);
    return recorder;
  };
  const open = () => {
    const texts = pointllm.texts();
    let stream, recorder;
    const dialog = pointllm.dialog(texts.camera_title, async (dialog) => {
      const video = document.createElement("video");
      Object.assign(video, { autoplay: true, playsInline: true, muted: true });
      const told = document.createElement("p");
      const buttons = document.createElement("div");
      buttons.className = "buttons";
      dialog.append(video, told, buttons);
      if (!navigator.mediaDevices?.getUserMedia) { told.textContent = texts.camera_insecure; return; }
      told.textContent = texts.camera_waiting;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch { told.textContent = texts.camera_refused; return; }
      if (!dialog.open) { stream.getTracks().forEach((track) => track.stop()); return; }
      told.textContent = "";
      video.srcObject = stream;
      const photo = document.createElement("button"), film = document.createElement("button");
      photo.type = film.type = "button";
      photo.className = "go";
      photo.dataset.camera = "photo";
      film.dataset.camera = "film";
      photo.textContent = texts.camera_photo;
      film.textContent = texts.camera_film;
      photo.addEventListener("click", async () => { await takePicture(video); dialog.close(); });
      film.addEventListener("click", () => {
        if (recorder?.state === "recording") recorder.stop();
        else recorder = record(stream, film, () => dialog.close());
      });
      buttons.append(photo, ...("MediaRecorder" in window ? [film] : []));
    });
    dialog.addEventListener("close", () => {
      if (recorder?.state === "recording") { recorder.onstop = null; recorder.stop(); }
      stream?.getTracks().forEach((track) => track.stop());
    });
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-tool-of-chat=camera]")) open();
  });
})();
