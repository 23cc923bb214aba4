// How the editor looks: the console's tokens, which reach into a shadow root, so that both themes are the page's.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const frame = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--panel)", fontSize: "var(--small)" },
  "&.cm-focused": { outline: "none" }, // its element in the page has the ring
  ".cm-scroller": { fontFamily: "var(--code)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--ink-2)", backgroundColor: "var(--panel)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--act) 6%, transparent)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--line)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--stop)" },
  ".cm-tooltip": {
    color: "var(--ink)", backgroundColor: "var(--panel)", border: "1px solid var(--ink-2)", borderRadius: "4px",
    boxShadow: "0 2px 8px rgb(0 0 0 / 20%)", fontFamily: "var(--font)", maxWidth: "32em",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--code)", maxHeight: "14em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--on-act)", backgroundColor: "var(--act)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-completionDetail": { fontStyle: "normal", fontFamily: "var(--font)", color: "var(--ink-2)" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-diagnostic": { whiteSpace: "pre-line", padding: "4px 8px" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--stop)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--stop)", textUnderlineOffset: "3px" },
  ".cm-lint-marker-error": { content: "'■'", color: "var(--stop)", width: "1em", height: "auto" },
  ".cm-panels": { color: "var(--ink)", backgroundColor: "var(--ground)", borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-panel-lint ul [aria-selected], .cm-panel.cm-panel-lint ul:focus [aria-selected]": { color: "var(--ink)", backgroundColor: "var(--line)" },
  ".cm-panel.cm-panel-lint button[name=close]": { color: "var(--ink)" },
});

const words = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.definitionKeyword, tags.controlKeyword, tags.bool, tags.null], color: "var(--act)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--ok)" },
  { tag: [tags.number, tags.atom], color: "var(--hold)" },
  { tag: [tags.typeName, tags.definition(tags.propertyName), tags.propertyName], color: "var(--level-2)" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: "var(--ink-2)" },
  { tag: tags.invalid, color: "var(--stop)" },
]);

export const look = [frame, syntaxHighlighting(words)];
