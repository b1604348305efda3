// The login page with a code: asks the OA's own server how far it is, and goes on when it was confirmed.
(function () {
  'use strict';
  var box = document.getElementById('scan');
  var ends = Date.now() + 1000 * Number(box.dataset.lifeS);
  var over = false;

  function part(id) { return document.getElementById(id); }

  function end(state) {
    over = true;
    box.dataset.state = state;
    ['shown', 'scanned'].forEach(function (id) { part(id).hidden = true; });
    part('again').hidden = false;
    part('why').textContent = part('why').dataset[state] || part('why').dataset.expired;
  }

  function told(progress) {
    if (progress.state === 'signed-in') { over = true; window.location.assign(progress.dest); return; }
    if (progress.state === 'denied' || progress.state === 'failed' || progress.state === 'expired') {
      end(progress.state);
      return;
    }
    box.dataset.state = progress.state;
    if (progress.state === 'scanned') {
      part('shown').hidden = true;
      part('scanned').hidden = false;
      part('who').textContent = progress.display_name || '';
      part('number').textContent = progress.number || '';
    }
  }

  function ask() {
    if (over) { return; }
    var pause_ms = 2000;
    fetch('/login/scan/state', { cache: 'no-store' }).then(function (answer) { return answer.json(); })
      .then(function (progress) {
        if (progress.wait_s) { pause_ms = progress.wait_s * 1000; }
        told(progress);
      }, function () { /* The server is away for a moment. */ })
      .then(function () { setTimeout(ask, pause_ms); });
  }

  function tick() {
    if (over) { return; }
    var left_s = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    part('seconds').textContent = String(left_s);
    if (left_s === 0 && box.dataset.state === 'pending') { end('expired'); return; }
    setTimeout(tick, 500);
  }

  if (box.dataset.state === 'pending') { tick(); setTimeout(ask, 2000); }
}());
