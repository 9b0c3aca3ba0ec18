// SPDX-License-Identifier: Apache-2.0
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const stills = data.stills;
  const picture = document.getElementById("picture");
  if (!picture || stills.length === 0) return;
  const seek = document.getElementById("seek");
  const play = document.getElementById("play");
  const caption = document.getElementById("caption");
  const last = Math.max(data.frames - 1, 1);
  const cursors = [];
  let timer = 0;

  for (const plot of document.querySelectorAll(".seekable .plot")) {
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    plot.append(cursor);
    cursors.push(cursor);
    plot.addEventListener("click", function (event) {
      const box = plot.getBoundingClientRect();
      stop();
      show(nearest(((event.clientX - box.left) / box.width) * last));
    });
  }

  function nearest(frame) {
    let best = 0;
    stills.forEach(function (still, at) {
      if (Math.abs(still.frame - frame) < Math.abs(stills[best].frame - frame)) best = at;
    });
    return best;
  }

  function show(at) {
    const still = stills[at];
    picture.src = "data:image/jpeg;base64," + still.jpeg;
    picture.alt = "Overlay of " + still.caption;
    caption.textContent = still.caption;
    seek.value = at;
    seek.setAttribute("aria-valuetext", still.caption);
    for (const cursor of cursors) cursor.style.left = (100 * still.frame) / last + "%";
  }

  function stop() {
    clearTimeout(timer);
    timer = 0;
    play.textContent = "Play";
  }

  function step() {
    const at = Number(seek.value);
    if (at + 1 >= stills.length) return stop();
    show(at + 1);
    timer = setTimeout(step, pause(at + 1));
  }

  function pause(at) {
    if (at + 1 >= stills.length) return 0;
    const seconds = stills[at + 1].seconds - stills[at].seconds;
    return Math.min(Math.max(1000 * seconds, 20), 1000);
  }

  play.addEventListener("click", function () {
    if (timer) return stop();
    if (Number(seek.value) + 1 >= stills.length) show(0);
    play.textContent = "Pause";
    timer = setTimeout(step, pause(Number(seek.value)));
  });
  seek.addEventListener("input", function () {
    stop();
    show(Number(seek.value));
  });
  document.getElementById("controls").hidden = false;
  show(0);
})();
