// The phone page: opens apps in windows, answers their wish for an auth code, keeps the clock and the list of calls
// fresh, and shows what has arrived.
(function () {
  'use strict';
  var words = document.body.dataset;
  var origins = (words.origins || '').split(' ').filter(Boolean);
  var said = document.getElementById('said');
  var calls = document.getElementById('calls');
  var clock = document.getElementById('clock');
  var refresh = document.getElementById('refresh');
  var opened = [];

  var SAID_MS = 8000;
  var silence = 0;

  function say(text) {
    said.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(function () { said.textContent = ''; }, SAID_MS);
  }

  // Which app a window belongs to survives a change of tab: the newest one per origin is kept for this browser tab.
  function remember(origin, app) { sessionStorage.setItem('app ' + origin, JSON.stringify(app)); }
  function recall(origin) {
    var kept = sessionStorage.getItem('app ' + origin);
    return kept ? JSON.parse(kept) : null;
  }

  // A tap on an app, a message or a to-do. On the PC a link opens by itself, in a tab that does not know this page.
  function tap(event) {
    var link = event.target.closest('a[data-client], a[data-pc-client]');
    if (!link) { return; }
    if (link.dataset.read && link.classList.contains('unread')) { read(link); }
    if (link.dataset.pcClient !== undefined) { say(words.opened + link.dataset.name); return; }
    event.preventDefault();
    openLink(link);
  }

  function read(link) {
    fetch('/sim/read', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId: words.user, number: Number(link.dataset.read) })
    }).then(arrive).catch(function () { say(words.unreachable); });
  }

  // Fetches this page again and takes over the screen and the counts on the tabs, if they have changed.
  function arrive() {
    return fetch(location.href, { headers: { accept: 'text/html' } })
      .then(function (answer) { return answer.ok ? answer.text() : null; })
      .then(function (html) {
        if (html === null) { return; }
        var fresh = new DOMParser().parseFromString(html, 'text/html');
        origins = (fresh.body.dataset.origins || '').split(' ').filter(Boolean);
        ['main', 'nav.tabs'].forEach(function (place) {
          var now = document.querySelector(place);
          var next = fresh.querySelector(place);
          if (now && next && now.innerHTML !== next.innerHTML) { now.innerHTML = next.innerHTML; }
        });
      });
  }

  var ARRIVE_MS = 3000;
  // What somebody types into the scanner must not be swept away.
  function look() {
    if (document.hidden || document.getElementById('scan-form')) { return; }
    arrive().catch(function () { /* the next look comes in a moment */ });
  }

  // A pasted code opens like one that the scanner sees.
  function scan(event) {
    event.preventDefault();
    var text = document.getElementById('scan-text').value.trim();
    if (!/^https?:\/\//.test(text)) { return; }
    openLink({ href: text, dataset: { client: '', size: 'mobile', name: text } });
  }

  function openLink(link) {
    var size = link.dataset.size === 'pc' ? 'width=1200,height=800' : 'width=390,height=780';
    var name = 'welink-' + link.dataset.size + '-' + link.dataset.client.replace(/[^\w]/g, '_');
    var view = window.open(link.href, name, 'popup,' + size);
    if (!view) { say(words.blocked); return; }
    var app = { clientId: link.dataset.client, userId: words.user, name: link.dataset.name };
    opened = opened.filter(function (entry) { return entry.view !== view; });
    opened.push({ view: view, app: app });
    remember(new URL(link.href).origin, app);
    view.focus();
    say(words.opened + link.dataset.name);
  }

  function loadCalls() {
    return fetch('/calls', { headers: { accept: 'text/html' } })
      .then(function (answer) { return answer.ok ? answer.text() : null; })
      .then(function (html) { if (html !== null) { calls.innerHTML = html; } })
      .catch(function () { say(words.unreachable); });
  }

  function issue(app, clientId) {
    return fetch('/sim/authcode', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId: app.userId, clientId: clientId })
    }).then(function (answer) { return answer.json(); });
  }

  function hear(event) {
    var ask = event.data;
    if (!ask || ask.simulatedWeLink !== 'ask' || ask.call !== 'getAuthCode') { return; }
    if (origins.indexOf(event.origin) < 0 || !event.source) { return; }
    var known = opened.find(function (entry) { return entry.view === event.source; });
    var app = known ? known.app : recall(event.origin);
    if (!app) { return; }
    function answer(result) {
      event.source.postMessage({
        simulatedWeLink: 'answer', id: ask.id, code: result.code, error: result.error
      }, event.origin);
    }
    issue(app, typeof ask.clientId === 'string' ? ask.clientId : app.clientId).then(function (result) {
      say(result.code ? words.issued + app.name : words.refused + result.error);
      answer(result);
      // The bridge redeems the code within a moment; then the list shows it.
      setTimeout(loadCalls, 700);
    }).catch(function () {
      say(words.unreachable);
      answer({ error: words.unreachable });
    });
  }

  function tick() {
    clock.textContent = new Intl.DateTimeFormat('en-GB', {
      hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Shanghai'
    }).format(new Date());
  }

  document.addEventListener('click', tap);
  var pasted = document.getElementById('scan-form');
  if (pasted) { pasted.addEventListener('submit', scan); }
  window.addEventListener('message', hear);
  window.addEventListener('focus', loadCalls);
  window.addEventListener('focus', look);
  setInterval(look, ARRIVE_MS);
  refresh.hidden = false;
  refresh.addEventListener('click', loadCalls);
  tick();
  setInterval(tick, 10000);
}());
