// What the console does beyond plain pages: copying, and long work that goes on while one looks. Everything works
// without it, by buttons.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  } catch {
    // No clipboard here: the text is selected instead, so that the keyboard copies it.
    getSelection().selectAllChildren(button.previousElementSibling);
  }
});

// A form of long work submits itself again until the server says that it has ended.
const work = document.querySelector("form[data-continue]");
if (work) work.requestSubmit();

// What has been typed is not lost by a slip: leaving a changed form asks first.
let typed = false;
for (const form of document.querySelectorAll("form.stack[data-guard]")) {
  form.addEventListener("input", () => { typed = true; });
  form.addEventListener("submit", () => { typed = false; });
}
addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
