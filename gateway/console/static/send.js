// Sends the file of a form that has data-sends, and says how far it is. What breaks off is
// dropped by the server. Without scripts the browser sends the form by itself. data-sent says how much was sent, as "… {} …";
// data-stopped and data-away say why nothing was.
"use strict";

(() => {
  // once makes a form count anew: what was broken off under the key it had does not come back.
  const once = (form) => {
    const action = new URL(form.action), fresh = crypto.getRandomValues(new Uint8Array(16));
    action.searchParams.set("once", [...fresh].map((n) => n.toString(16).padStart(2, "0")).join(""));
    form.action = action;
  };

  const send = (form) => {
    const sending = new XMLHttpRequest(), part = (name) => form.querySelector(`[data-part=${name}]`);
    const bar = part("bar"), told = part("told"), stop = part("stop"), button = form.querySelector("button:not([type])");
    const shown = (going) => {
      part("going").hidden = !going;
      button.disabled = going;
    };
    const over = (why) => {
      shown(false);
      told.textContent = why;
      once(form);
      button.focus();
    };
    sending.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      bar.value = event.loaded / event.total;
      told.textContent = form.dataset.sent.replace("{}", Math.floor(100 * bar.value) + "%");
    };
    sending.onload = () => {
      const next = sending.getResponseHeader("Location");
      if (sending.status === 201 && next) {
        location.assign(next);
        return;
      }
      // The page of the form again, with why the file was not taken.
      const page = new DOMParser().parseFromString(sending.responseText, "text/html").querySelector("#main");
      if (page) document.querySelector("#main").replaceWith(page);
      else over(form.dataset.away);
    };
    sending.onabort = () => over(form.dataset.stopped);
    sending.onerror = () => over(form.dataset.away);
    stop.onclick = () => sending.abort();
    sending.open("POST", form.action);
    sending.setRequestHeader("Prefer", "return=minimal");
    shown(true);
    told.textContent = form.dataset.sent.replace("{}", "0%");
    stop.focus();
    sending.send(new FormData(form));
  };

  document.addEventListener("submit", (event) => {
    if (!("sends" in event.target.dataset)) return;
    event.preventDefault();
    send(event.target);
  });
})();
