// Fills in the digest of a file that stays with its owner: what goes on record is the digest. A file field says by
// data-digest which field it fills in; without scripts the digest is typed, as sha256sum prints it.
"use strict";

(() => {
  const hex = (bytes) => [...new Uint8Array(bytes)].map((n) => n.toString(16).padStart(2, "0")).join("");

  document.addEventListener("change", async (event) => {
    const name = event.target.dataset.digest;
    if (!name || !event.target.files.length || !globalThis.crypto?.subtle) return;
    const sum = await crypto.subtle.digest("SHA-256", await event.target.files[0].arrayBuffer());
    event.target.form.elements[name].value = "sha256:" + hex(sum);
  });
})();
