// The frame of the simulated element tells the page that holds it the one-time code of the scan.
window.parent.postMessage(document.getElementById('scanned').dataset.code, '*');
