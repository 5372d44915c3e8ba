#include "probe/report/page_assets.h"

namespace dpi {

std::string_view page_style() noexcept {
  return R"css(
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #57606a; --paper: #fff; --card: #f6f8fa;
  --line: #d0d7de; --src: #0969da; --dst: #8250df; --good: #116329; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9aa4af; --paper: #0d1117;
  --card: #161b22; --line: #30363d; --src: #58a6ff; --dst: #bc8cff; --good: #56d364; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } .quiet { color: var(--quiet); } code, .hash { font: .875rem/1.4 ui-monospace, monospace; }
.hash, td.name { overflow-wrap: anywhere; } td.name { min-width: 7rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem;
  padding: 0; margin: 1rem 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.tiles b { display: block; font-size: 1.35rem; }
.holds { border-left: .3rem solid var(--good); padding-left: .75rem; }
.fails { border-left: .3rem solid var(--bad); padding-left: .75rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th.n, td.n { text-align: right; white-space: nowrap; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid var(--src); outline-offset: 2px; }
th[aria-sort=ascending] button::after { content: " \25B2"; } th[aria-sort=descending] button::after { content: " \25BC"; }
meter { width: 6rem; max-width: 20vw; }
svg { width: 100%; min-width: 38rem; height: auto; } .grid { stroke: var(--line); }
.tick { fill: var(--quiet); font-size: 12px; } .tick.end { text-anchor: end; } .tick.middle { text-anchor: middle; }
.src { fill: var(--src); } .dst { fill: var(--dst); }
.key span { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
.key .src { background: var(--src); } .key .dst { background: var(--dst); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--quiet); } dd { margin: 0; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
@media print { body { max-width: none; } th button::after { content: none !important; } }
)css";
}

std::string_view page_script() noexcept {
  return R"js(
"use strict";
const value = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
};
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table"), column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "descending" ||
      (!head.hasAttribute("aria-sort") && !head.classList.contains("n"));
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = value(a, column), y = value(b, column);
      const order = typeof x === "number" ? x - y : x.localeCompare(y);
      return down ? order : -order;
    });
    table.tBodies[0].append(...rows);
  });
}
)js";
}

}  // namespace dpi
