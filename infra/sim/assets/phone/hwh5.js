// Stands in for the vendor's script (welink-api.md 3.1) in a window that the simulated phone has opened. In a plain
// browser there is no opener, and then there is no HWH5 either.
(function () {
  'use strict';
  var opener = window.opener;
  var script = document.currentScript;
  if (!opener || !script) { return; }
  var phone = new URL(script.src).origin;
  var ANSWER_MS_MAX = 2000;
  var count = 0;

  function getAuthCode(options) {
    var clientId = options && typeof options.clientId === 'string' ? options.clientId : undefined;
    return new Promise(function (resolve, reject) {
      count += 1;
      var id = 'c' + count + '-' + Math.random().toString(36).slice(2);
      function finish(settle, value) {
        clearTimeout(timer);
        window.removeEventListener('message', hear);
        settle(value);
      }
      function hear(event) {
        if (event.origin !== phone || event.source !== opener) { return; }
        var answer = event.data;
        if (!answer || answer.simulatedWeLink !== 'answer' || answer.id !== id) { return; }
        if (typeof answer.code === 'string') {
          finish(resolve, { code: answer.code });
        } else {
          finish(reject, new Error(String(answer.error || 'refused')));
        }
      }
      var timer = setTimeout(function () {
        finish(reject, new Error('not inside WeLink: no answer'));
      }, ANSWER_MS_MAX);
      window.addEventListener('message', hear);
      opener.postMessage({ simulatedWeLink: 'ask', id: id, call: 'getAuthCode', clientId: clientId }, phone);
    });
  }

  window.HWH5 = {
    getAuthCode: getAuthCode,
    // Calls that need a signature are not part of the simulation, so a configuration is accepted and ready at once.
    config: function () {},
    ready: function (then) { if (typeof then === 'function') { setTimeout(then, 0); } },
    error: function () {}
  };
}());
