// Leaving replaces this page in the history; Escape leaves too. Without script the button is a link.
"use strict";
(function () {
  const exit = document.getElementById("exit");
  function leave(event) {
    event.preventDefault();
    document.body.textContent = "";
    location.replace(exit.href);
  }
  exit.addEventListener("click", leave);
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") leave(event);
  });
  document.querySelectorAll("main a").forEach(function (link) {
    link.addEventListener("click", function (event) {
      event.preventDefault();
      location.replace(link.href);
    });
  });
})();
