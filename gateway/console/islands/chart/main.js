// Charts of the tables in a page. A table that says data-chart gets, above it, one picture for each of its columns of
// figures; the table stays, and is what says the figures to readers who do not see the picture.

import { chartsOf } from "./table.js";
import { draw } from "./draw.js";

for (const table of document.querySelectorAll("table[data-chart]")) {
  const charts = chartsOf(table);
  if (!charts.length) continue;
  const place = document.createElement("div");
  place.className = "charts";
  (table.closest(".scroll") ?? table).before(place);
  charts.forEach((chart) => draw(chart, place));
}
