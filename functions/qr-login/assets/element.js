// The page with WeLink's own element: lets WeLink's script put its frame here, and takes the one-time code that the
// frame sends after a scan on to WeLink, which sends the browser back to the bridge.
(function () {
  "use strict";
  var page = document.getElementById("element");
  var place = document.getElementById("welink-code");
  var over = false;

  function part(id) { return document.getElementById(id); }

  // Anybody may send a message to this page: only WeLink's own frame in it is believed.
  function told(event) {
    var frame = place.querySelector("iframe");
    if (over || event.origin !== page.dataset.origin || !frame || event.source !== frame.contentWindow) { return; }
    if (typeof event.data !== "string" || !event.data || event.data.length > 2000) { return; }
    over = true;
    place.hidden = true;
    part("onward").hidden = false;
    window.location.assign(page.dataset.onward + encodeURIComponent(event.data));
  }

  function renew() {
    if (over) { return; }
    over = true;
    window.location.replace(page.dataset.next);
  }

  window.addEventListener("message", told);
  // A page that the browser takes from its history holds a spent state: begin anew.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { window.location.reload(); } });
  window.setTimeout(renew, Number(page.dataset.lifeMs));
  if (typeof window.wlQrcodeLogin !== "function") { part("missing").hidden = false; return; }
  window.wlQrcodeLogin({
    id: place.id,
    client_id: page.dataset.clientId,
    // The script encodes it by itself.
    redirect_uri: page.dataset.redirectUri,
    response_type: "code",
    scope: "snsapi_login",
    state: page.dataset.state,
    self_redirect: false,
    width: "300",
    height: "400",
    lang: document.documentElement.lang === "en" ? "en" : "cn",
    baseUrl: page.dataset.origin
  });
}());
