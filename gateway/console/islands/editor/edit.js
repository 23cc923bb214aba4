// One editor in place of one text area.

import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { ChangeSet, Compartment, EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";

import { languageOf, languages } from "./languages.js";
import { look } from "./look.js";

// edit hides a text area and shows an editor after its label. The editor lives in a shadow root: there CodeMirror adopts
// its style sheets, where in the page it would write <style>, which the page's policy refuses.
//
// The Tab key is not bound: it leaves the editor as it leaves every field.
export function edit(area, page) {
  const language = new Compartment();
  let spoken = languageOf(area.dataset.editor, page);
  const listeners = [];
  const editor = { name: area.dataset.editor, changes: ChangeSet.empty(area.value.length) };

  const { host, root } = place(area);
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(), history(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(), lintGutter(),
        autocompletion({ icons: false }),
        keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorState.phrases.of(page.phrases),
        EditorView.contentAttributes.of({ "aria-label": nameOf(area), spellcheck: "false", tabindex: "0" }),
        language.of(languages[spoken](page)),
        look,
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          editor.changes = editor.changes.compose(update.changes);
          listeners.forEach((listener) => listener());
        }),
      ],
    }),
  });
  area.labels[0].addEventListener("click", () => view.focus());

  editor.view = view;
  editor.sent = view.state.doc; // what the page speaks of; changes lead from it to the text as it is
  editor.onEdit = (listener) => listeners.push(listener);
  // follow changes the language with the engine that the package names.
  editor.follow = () => {
    const now = languageOf(editor.name, page);
    if (now === spoken) return;
    spoken = now;
    view.dispatch({ effects: language.reconfigure(languages[now](page)) });
  };
  return editor;
}

// place puts the editor's element behind the label. A hidden field that is empty must not stop the form: the browser
// could not show where. The server says that code is missing, as it says all else.
function place(area) {
  const host = document.createElement("div");
  host.className = "editor";
  host.dataset.edits = area.name;
  area.hidden = true;
  area.required = false;
  area.labels[0].after(host);
  return { host, root: host.attachShadow({ mode: "open", delegatesFocus: true }) };
}

// nameOf is what a label says. Labels do not reach into a shadow root.
function nameOf(area) {
  return [...area.labels[0].childNodes].filter((node) => node !== area).map((node) => node.textContent).join("").trim();
}
