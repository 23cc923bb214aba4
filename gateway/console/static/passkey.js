// Asks the browser for what a passkey signs. A form says by data-passkey which ceremony it is and by data-ask where to
// get what is asked for; the browser's answer goes with the form. It needs nothing but what the standard has
// (WebAuthn Level 3, 5.1.7 to 5.1.9), and without it the page says so.
"use strict";

(() => {
  const ceremonies = {
    create: (ask) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(ask) }),
    get: (ask) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(ask) }),
  };

  const able = () => window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;

  const say = (form, text) => {
    const place = form.querySelector("[data-say]");
    place.textContent = text;
    place.hidden = !text;
  };

  // The button that sends a form is part of what is said: a vote has three.
  const fields = (form, button) => {
    const said = new URLSearchParams(new FormData(form));
    if (button && button.name) said.set(button.name, button.value);
    return said;
  };

  const ask = async (form, button) => {
    const reply = await fetch(form.dataset.ask, { method: "POST", body: fields(form, button) });
    const told = await reply.json();
    if (!reply.ok) throw new Error(told.text);
    return told;
  };

  const hidden = (form, name, value) => {
    const field = form.querySelector(`input[type=hidden][name="${name}"]`) || document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("form[data-passkey]") || button && button.hasAttribute("data-plain")) return;
    event.preventDefault();
    if (!able()) return say(form, form.dataset.unable);
    say(form, "");
    try {
      const told = await ask(form, button);
      const made = await ceremonies[form.dataset.passkey](told.ask);
      hidden(form, "answer", JSON.stringify(made.toJSON()));
      if (told.payload) hidden(form, "payload", told.payload);
      if (button && button.name) hidden(form, button.name, button.value);
      form.submit();
    } catch (why) {
      say(form, { NotAllowedError: form.dataset.stopped, TypeError: form.dataset.away }[why.name] ?? why.message);
    }
  });
})();
