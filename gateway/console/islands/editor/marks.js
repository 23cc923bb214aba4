// Marks at the lines that something was said of.

import { setDiagnostics } from "@codemirror/lint";

// watchMarks marks what the page says of lines, now and each time it says something else. The page's own tables are
// read: a mark says what its row says, and nothing the page does not.
export function watchMarks(editors) {
  const mark = () => {
    const said = [...document.querySelectorAll("[data-mark]")].map(saying).filter((each) => each.line > 0);
    for (const editor of editors) {
      const about = said.filter((each) => each.field === editor.name).map((each) => place(editor, each)).filter(Boolean);
      editor.view.dispatch(setDiagnostics(editor.view.state, about));
    }
  };
  mark();
  const live = document.getElementById("live");
  if (live) new MutationObserver(mark).observe(live, { childList: true, subtree: true });
}

// saying reads one row: data-mark is the field it is about and data-line its line, counted from 1; a fault of the
// package says its line in words of its place ("line 2: purposes").
function saying(row) {
  const line = row.dataset.line ?? row.dataset.place?.match(/^line (\d+):/)?.[1];
  const cells = row.cells ? [...row.cells] : [row];
  const message = cells.map((cell) => cell.innerText.trim()).filter((text) => text && text !== "—").join("\n");
  return { field: row.dataset.mark, line: Number(line ?? 0), message };
}

// place finds a line of the text that was sent in the text as it is now. What was deleted has no mark.
function place(editor, { line, message }) {
  if (line > editor.sent.lines) return null;
  const { from, to } = editor.sent.line(line);
  const now = { from: editor.changes.mapPos(from, 1), to: editor.changes.mapPos(to, -1) };
  if (now.to < now.from) return null;
  return { ...now, severity: "error", message };
}
