// One bar chart, drawn as SVG. Nothing in it moves and nothing has to be pointed at: every bar says its figure.

import { BarChart } from "echarts/charts";
import { AriaComponent, GridComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, GridComponent, AriaComponent, SVGRenderer]);

const rowHeight = 24; // pixels
const wide = { min: 320, names: 200 };

// draw adds a figure to a place and keeps it at its width and in the colours of the page's theme.
export function draw(chart, place) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const picture = document.createElement("div");
  caption.textContent = chart.title;
  figure.append(caption, picture);
  place.append(figure);

  const height = chart.bars.length * rowHeight + rowHeight;
  const drawn = init(picture, null, { renderer: "svg", height, width: Math.max(picture.clientWidth, wide.min) });
  const paint = () => drawn.setOption(optionOf(chart, getComputedStyle(picture)));
  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  new ResizeObserver(() => drawn.resize({ width: Math.max(picture.clientWidth, wide.min) })).observe(place);
}

// optionOf describes the chart. It has no tooltip: that would write style attributes, which the page's policy refuses.
function optionOf({ about, bars }, style) {
  const token = (name) => style.getPropertyValue(name).trim();
  const text = { color: token("--ink"), fontFamily: style.fontFamily, fontSize: 12 };
  return {
    animation: false,
    aria: { enabled: true, label: { description: about } },
    textStyle: text,
    grid: { left: 4, right: 64, top: 4, bottom: 4 },
    xAxis: { type: "value", show: false, min: (range) => Math.min(0, range.min) },
    yAxis: {
      type: "category", inverse: true, data: bars.map(({ name }) => name),
      axisTick: { show: false }, axisLine: { lineStyle: { color: token("--line") } },
      axisLabel: { ...text, interval: 0, width: wide.names, overflow: "truncate" },
    },
    series: [{
      type: "bar", silent: true, barMaxWidth: 16, itemStyle: { color: token("--act") },
      label: { show: true, position: "right", ...text, formatter: ({ dataIndex }) => bars[dataIndex].text },
      data: bars.map(({ figure }) => figure),
    }],
  };
}
