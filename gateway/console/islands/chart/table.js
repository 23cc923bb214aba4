// What a table tells a chart.

// chartsOf reads a table. Headers say what their columns are: data-label columns name the bars, together, and each
// data-figure column is a chart of its own, since figures of two columns seldom share a scale. A cell that says
// data-list is a list of its own, of a name and a figure each: its row's first label is the chart's title.
export function chartsOf(table) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows].filter((row) => row.cells.length === heads.length);
  const labels = indexes(heads, "label");
  const nameOf = (row) => labels.map((i) => textOf(row.cells[i])).join(" · ");
  const of = (title) => table.dataset.chart.replace("%s", title);

  const figures = indexes(heads, "figure").map((i) => {
    const title = textOf(heads[i]);
    return { title, about: of(title), bars: rows.map((row) => bar(nameOf(row), textOf(row.cells[i]))) };
  });
  const lists = indexes(heads, "list").flatMap((i) =>
    rows.map((row) => ({ title: nameOf(row), about: of(nameOf(row)), bars: [...row.cells[i].querySelectorAll("[data-name]")].map(listed) })),
  );
  return [...figures, ...lists].filter((chart) => chart.bars.some(({ figure }) => figure !== null));
}

function indexes(heads, kind) {
  return heads.flatMap((head, i) => (kind in head.dataset ? [i] : []));
}

function textOf(cell) {
  return (cell.dataset.name ?? cell.textContent).replace(/\s+/g, " ").trim();
}

function listed(item) {
  return bar(item.dataset.name, item.querySelector("[data-figure]").textContent);
}

// bar is one bar: its figure is null where the table has none, and its text is the table's.
function bar(name, text) {
  const figure = Number(text.replaceAll(",", ""));
  return { name, text, figure: text.trim() === "" || Number.isNaN(figure) ? null : figure };
}
