// The editor of a job's draft. It takes over the text areas of the form that say data-editor; they stay in the form,
// hold what is typed, and are what is posted. Without this script the page is the same form, with plain text areas.
//
// A form says what may be completed (data-granted) and the editor's own phrases in the reader's language
// (data-phrases); what a pre-check refused stands in the page's tables, and is marked at its line from there.

import { edit } from "./edit.js";
import { granted } from "./granted.js";
import { watchMarks } from "./marks.js";

for (const form of document.querySelectorAll("form[data-granted]")) {
  const page = {
    grants: JSON.parse(form.dataset.granted),
    phrases: JSON.parse(form.dataset.phrases),
    package: () => form.elements.package.value,
  };
  page.inputs = granted(page);
  const editors = [...form.querySelectorAll("textarea[data-editor]")].map((area) => edit(area, page));
  for (const editor of editors) editor.onEdit(() => editors.forEach((each) => each.follow()));
  watchMarks(editors);
}
