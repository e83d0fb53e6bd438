/** How an exported page looks: by day and by night, on a phone and on paper. It holds nothing that anybody wrote. */
export const EXPORT_STYLE = `
:root { color-scheme: light dark; --ground: #faf9f6; --surface: #fff; --soft: #5f5a51; --ink: #24221e; --line: #e3dfd6; --accent: #0f5c5a; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #1a1917; --surface: #24221f; --soft: #aaa397; --ink: #ebe7df; --line: #35322d; --accent: #74c4ba; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { line-height: 1.25; }
h2 { margin: 0 0 .5rem; font-size: 1rem; }
h3, h4, h5, h6 { margin: 1.25rem 0 .5rem; font-size: 1rem; }
a { color: var(--accent); }
article { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.you > .raw, .prompt > .raw, .draft > .raw { padding: .75rem 1rem; border-radius: .75rem; background: var(--surface); }
.raw { white-space: pre-wrap; }
time, .mark, summary, dl { color: var(--soft); font-size: .8125rem; font-weight: 400; }
.mark { padding: 0 .5em; border: 1px solid var(--line); border-radius: .5em; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0 0; }
dl div { display: flex; gap: .5em; }
dt::after { content: ":"; }
dd { margin: 0; white-space: pre-wrap; }
pre { overflow-x: auto; padding: .75rem 1rem; border-radius: .75rem; background: var(--surface); white-space: pre-wrap; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
blockquote { margin-inline: 0; padding-inline-start: 1rem; border-inline-start: 3px solid var(--line); color: var(--soft); }
.table { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
.right { text-align: end; }
.center { text-align: center; }
hr { height: 1px; border: 0; background: var(--line); }
@media print { body { background: #fff; color: #000; } article { break-inside: auto; } h2 { break-after: avoid; } }
`;
