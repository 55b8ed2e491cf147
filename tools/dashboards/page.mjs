// Draws one dashboard with the panel components of Grafana, in a browser. `globalThis.drawing` has the
// dashboard and, for each panel, what Prometheus answered.
import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  FieldType,
  getFieldDisplayValues,
  renderLegendFormat,
  ThemeContext,
  toDataFrame,
} from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, TimeSeries } from '@grafana/ui';
import { createElement as h } from 'react';
import { createRoot } from 'react-dom/client';

// Of Grafana's dashboards: 24 columns, 8 pixels apart, of rows of 30 pixels.
const COLUMNS = 24;
const GAP = 8;
const ROW = 30;
const HEADER = 56;
/** What Grafana's panels assume where a dashboard says nothing. */
const LINE = { lineInterpolation: 'linear', showPoints: 'auto', spanNulls: false };
const COLOR = { timeseries: { mode: 'palette-classic' }, stat: { mode: 'thresholds' } };

const { dashboard, answers, from, to, stepS } = globalThis.drawing;
const theme = createTheme({ colors: { mode: 'light' } });
const range = { from: dateTime(from), to: dateTime(to), raw: { from: 'now', to: 'now' } };
const withoutVariables = (text) => text;

function fieldConfigOf({ type, fieldConfig: { defaults } }) {
  const steps = defaults.thresholds?.steps.map(({ color, value }) => ({
    color,
    value: value ?? Number.NEGATIVE_INFINITY,
  }));
  return {
    color: COLOR[type],
    ...defaults,
    ...(steps && { thresholds: { ...defaults.thresholds, steps } }),
    custom: { ...LINE, ...defaults.custom },
  };
}

const grid = [];
for (let time = from; time <= to; time += stepS * 1_000) grid.push(time);

/** A frame for each series; a line has a gap where a value is missing. */
function framesOf(panel, i) {
  const shared = fieldConfigOf(panel);
  const data = answers[i].flatMap(({ legendFormat, series }) =>
    series.map(({ metric: labels, times, values }) => {
      const known = new Map(times.map((time, at) => [time, values[at]]));
      const name = legendFormat && renderLegendFormat(legendFormat, labels);
      const config = { ...shared, ...(name && { displayNameFromDS: name }) };
      const shown = grid.map((time) => known.get(time) ?? null);
      return toDataFrame({
        fields: [
          { name: 'Time', type: FieldType.time, values: grid },
          { name: 'Value', type: FieldType.number, values: shown, labels, config },
        ],
      });
    }),
  );
  return applyFieldOverrides({
    data,
    fieldConfig: { defaults: {}, overrides: [] },
    replaceVariables: withoutVariables,
    theme,
    timeZone: 'utc',
  });
}

function timeSeries(panel, frames, { width, height }) {
  const { legend } = panel.options;
  const options = { ...legend, calcs: legend.calcs ?? [] };
  const timeZone = 'utc';
  return h(TimeSeries, { frames, timeRange: range, timeZone, width, height, legend: options });
}

function stat(panel, frames, { width, height }) {
  const { reduceOptions, colorMode, graphMode = 'area' } = panel.options;
  const [{ display, sparkline }] = getFieldDisplayValues({
    data: frames,
    reduceOptions,
    fieldConfig: { defaults: fieldConfigOf(panel), overrides: [] },
    replaceVariables: withoutVariables,
    sparkline: graphMode !== 'none',
    theme,
    timeZone: 'utc',
  });
  if (sparkline) sparkline.timeRange = range;
  // A panel with one value does not repeat its title.
  const value = { ...display, title: undefined };
  return h(BigValue, { theme, value, sparkline, width, height, colorMode, graphMode });
}

function contentOf(panel, i, size) {
  const frames = framesOf(panel, i);
  if (frames.length === 0) {
    const text = panel.fieldConfig.defaults.noValue ?? 'No data';
    const center = { display: 'grid', placeItems: 'center', ...size };
    return h('div', { style: center }, text);
  }
  return panel.type === 'stat' ? stat(panel, frames, size) : timeSeries(panel, frames, size);
}

function Panel({ panel, i }) {
  const column = (document.documentElement.clientWidth - GAP) / COLUMNS;
  const { x, y, w, h: rows } = panel.gridPos;
  const [width, height] = [w * column - GAP, rows * (ROW + GAP) - GAP];
  const place = { position: 'absolute', left: GAP + x * column, top: HEADER + y * (ROW + GAP) };
  const { title, description } = panel;
  const inside =
    panel.type === 'row'
      ? h('div', { style: { ...theme.typography.h5, lineHeight: `${ROW}px` } }, `⌄ ${title}`)
      : h(PanelChrome, { title, description, width, height }, (innerWidth, innerHeight) =>
          contentOf(panel, i, { width: innerWidth, height: innerHeight }),
        );
  return h('div', { style: { ...place, width, height } }, inside);
}

function Dashboard() {
  const minutes = Math.round((to - from) / 60_000);
  const header = { position: 'absolute', left: GAP, right: GAP, display: 'flex', height: HEADER };
  return h(
    ThemeContext.Provider,
    { value: theme },
    h(GlobalStyles),
    h(
      'div',
      { style: { ...header, alignItems: 'center' } },
      h('span', { style: { ...theme.typography.h4, flex: 1 } }, dashboard.title),
      h('span', { style: theme.typography.body }, `last ${minutes} minutes, UTC`),
    ),
    dashboard.panels.map((panel, i) => h(Panel, { key: i, panel, i })),
  );
}

createRoot(document.querySelector('main')).render(h(Dashboard));
