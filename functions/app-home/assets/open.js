// Asks WeLink for the one-time code and posts it with the state. Outside WeLink there is nobody to ask: say so.
(function () {
  "use strict";
  var form = document.getElementById("answer");
  var vendor = document.getElementById("vendor");
  var asked = false;
  var patience_ms = 3000;

  function outside() {
    document.getElementById("opening").hidden = true;
    document.getElementById("outside").hidden = false;
  }

  // A browser outside WeLink refuses too, so what is said then suits both.
  function refused() {
    document.getElementById("refused").hidden = false;
    outside();
  }

  // The code that comes after patience has run out still lets its owner in.
  function enter(answer) {
    form.elements.code.value = answer.code;
    // The address may carry a deep link: whoever is refused and tries again still gets there.
    form.action = window.location.pathname + window.location.search;
    form.submit();
  }

  function ask() {
    if (asked || !window.HWH5 || !window.HWH5.getAuthCode) { return; }
    asked = true;
    window.HWH5.getAuthCode({ clientId: form.dataset.clientId }).then(enter, refused);
  }

  // A page that the browser takes from its history holds a spent state: begin anew.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { window.location.reload(); } });
  // Nobody waits longer for the vendor's server than for the phone.
  window.setTimeout(outside, patience_ms);
  vendor.addEventListener("load", ask);
  window.addEventListener("load", function () { ask(); if (!asked) { outside(); } });
  ask();
}());
