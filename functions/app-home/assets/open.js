// Asks WeLink for the one-time code and posts it with the state. Outside WeLink there is nobody to ask: say so.
(function () {
  "use strict";
  var form = document.getElementById("answer");
  var patience_ms = 3000;

  function outside() {
    document.getElementById("opening").hidden = true;
    document.getElementById("outside").hidden = false;
    document.getElementById("again").href = window.location.href;
  }

  function ask() {
    var answered = false;
    var timer = window.setTimeout(function () { if (!answered) { outside(); } }, patience_ms);
    window.HWH5.getAuthCode({ clientId: form.dataset.clientId }).then(function (answer) {
      answered = true;
      window.clearTimeout(timer);
      form.elements.code.value = answer.code;
      form.submit();
    }, function () {
      window.clearTimeout(timer);
      outside();
    });
  }

  // A page that the browser takes from its history holds a spent state: begin anew.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { window.location.reload(); } });
  if (window.HWH5 && window.HWH5.getAuthCode) { ask(); } else { outside(); }
}());
