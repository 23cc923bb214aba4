// How soon a page whose stream was lost asks for it again. While nobody answers, as when the server starts anew, within
// seconds: somebody looks at that page. Where it is refused, as after an idle lock, ever more rarely: asking changes
// nothing, and every page left open would take from what its address may ask.
"use strict";

(() => {
  const longest = { away: 5000, refused: 60000 }; // between attempts, in milliseconds, give or take the extension's jitter

  document.addEventListener("htmx:sse:error", ({ detail: { connection, status } }) => {
    if (connection) connection.config.reconnectMaxDelay = status >= 400 && status < 500 ? longest.refused : longest.away;
  });
})();
