// Keys of the review desk. j and k walk over what may be walked over; every other key is that of the element that says
// so by data-key: a button is pressed, a field or a link gets the focus, a part that is folded opens. Nothing else
// happens by key: what a button does is still its form's.
"use strict";

(() => {
  const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select");

  const walk = (step) => {
    const all = [...document.querySelectorAll("[data-walk]")];
    const at = all.findIndex((element) => element.contains(document.activeElement));
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (next) next.focus();
  };

  // A comment that is begun at a row is about it.
  const place = (field) => {
    const row = document.activeElement.closest("[data-row]");
    if (row) field.form.elements.row.value = row.dataset.row;
  };

  const press = (element) => {
    if (element.matches("details")) element.open = !element.open;
    else if (element.matches("button")) element.click();
    else if (element.matches("a")) element.click();
    else {
      if (element.name === "text") place(element);
      element.focus();
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j" || event.key === "k") return walk(event.key === "j" ? 1 : -1);
    const element = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!element) return;
    event.preventDefault();
    press(element);
  });
})();
