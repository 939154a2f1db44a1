// Keeps what is typed: a draft goes to the desk (sealed there) a moment after each pause, never into this device.
// When the line is gone the page says so, and holds the form back instead of losing it.
"use strict";
(function () {
  const form = document.querySelector("form[data-draft]");
  const line = document.getElementById("line");
  if (!form || !line) return;
  let timer = 0;
  let sent = "";

  function say(text, lost) {
    line.textContent = text;
    line.classList.toggle("lost", lost);
    line.hidden = false;
  }
  function typed() {
    const data = new URLSearchParams(new FormData(form));
    data.set("draft-form", form.dataset.draft);
    return data;
  }
  async function keep() {
    const data = typed();
    if (data.toString() === sent) return true;
    try {
      const answer = await fetch(form.dataset.draftUrl, { method: "POST", body: data, credentials: "same-origin", redirect: "manual" });
      if (!answer.ok) throw new Error(String(answer.status));
      sent = data.toString();
      say(line.dataset.kept, false);
      return true;
    } catch {
      say(line.dataset.lost, true);
      timer = setTimeout(keep, 5000);
      return false;
    }
  }
  form.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(keep, 1500);
  });
  let through = false;
  form.addEventListener("submit", async function (event) {
    if (through) return;
    event.preventDefault();
    clearTimeout(timer);
    try {
      const answer = await fetch("/alive", { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      through = true;
      form.requestSubmit(event.submitter);
    } catch {
      say(line.dataset.lost, true);
    }
  });
})();
