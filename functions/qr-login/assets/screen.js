// The page with a code: counts its time down, asks how far it is, goes on when it was confirmed, and shows a new code
// when its time is over. Which one is next, and when it is enough, the bridge has said.
(function () {
  "use strict";
  var screen = document.getElementById("screen");
  var shown = Date.now();
  var life_ms = Number(screen.dataset.lifeMs);
  var pause_ms = Number(screen.dataset.pollMs);
  var over = false;

  function part(id) { return document.getElementById(id); }

  function show(state) {
    screen.dataset.state = state;
    ["pending", "scanned", "denied", "expired", "approved"].forEach(function (id) { part(id).hidden = id !== state; });
  }

  function renew() {
    if (over) { return; }
    over = true;
    show("expired");
    window.location.replace(screen.dataset.next);
  }

  function told(progress) {
    if (over) { return; }
    if (progress.state === "scanned") {
      part("who").textContent = progress.display_name || "";
      part("number").textContent = progress.number || "";
      part("pick").hidden = !progress.number;
      part("tap").hidden = Boolean(progress.number);
    }
    if (progress.state === "expired" || progress.state === "consumed") { renew(); return; }
    show(progress.state);
    if (progress.state === "denied") { over = true; }
    if (progress.state === "approved") { over = true; part("enter").submit(); }
  }

  function ask() {
    if (over) { return; }
    fetch(screen.dataset.poll, { credentials: "same-origin", cache: "no-store" }).then(function (answer) {
      if (answer.status === 429) {
        pause_ms = 1000 * Math.max(Number(answer.headers.get("retry-after")) || 7, 2);
        return null;
      }
      // Not ours any more: another code, as often as the bridge lets us.
      if (answer.status === 404) { renew(); return null; }
      return answer.ok ? answer.json() : null;
    }).then(function (progress) { if (progress) { told(progress); } }, function () {
      // The network is away for a moment: the next question may get through.
    }).then(function () { window.setTimeout(ask, pause_ms); });
  }

  function tick() {
    if (over) { return; }
    var left_ms = life_ms - (Date.now() - shown);
    part("seconds").textContent = String(Math.max(0, Math.ceil(left_ms / 1000)));
    // A code that was scanned may be confirmed until its last moment: then the bridge is asked, not the clock.
    if (left_ms <= 0 && screen.dataset.state === "pending") { renew(); return; }
    window.setTimeout(tick, 250);
  }

  // A page that the browser takes from its history shows a code of then: begin anew.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { window.location.reload(); } });
  tick();
  window.setTimeout(ask, pause_ms);
}());
