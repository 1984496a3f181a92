// How the page of an image looks: light and dark, as the reader's system is.
export const style = `
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #23262b; --faint: #6a6f78; --line: #dedad0; --card: #fff; --mark: #f1ede2; --added: #2f7d4f; --changed: #9a6700; --removed: #b3372f; --wasted: #c9574d; --accent: #1f6f8b; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e4e2dc; --faint: #9a9ea6; --line: #33363d; --card: #1d2025; --mark: #2a2e35; --added: #6cc58e; --changed: #e0b050; --removed: #ef8a80; --wasted: #d9685d; --accent: #6fb9d4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; height: 100vh; display: flex; flex-direction: column; }
header { padding: 16px 24px 12px; border-bottom: 1px solid var(--line); }
h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: var(--faint); margin: 0 0 8px; }
#facts { margin: 2px 0 10px; color: var(--faint); }
#bar { display: flex; gap: 2px; height: 18px; }
#bar button { border: 0; padding: 0; min-width: 3px; border-radius: 3px; background: var(--accent); opacity: .45; cursor: pointer; overflow: hidden; display: flex; justify-content: flex-end; }
#bar button i { background: var(--wasted); height: 100%; }
#bar button[aria-pressed=true] { opacity: 1; }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(260px, 30%) 1fr; }
nav { border-right: 1px solid var(--line); overflow: auto; padding: 16px; }
ol { list-style: none; margin: 0; padding: 0; }
nav button { display: block; width: 100%; text-align: left; border: 1px solid transparent; border-radius: 8px; padding: 8px 10px; background: none; color: inherit; font: inherit; cursor: pointer; }
nav button:hover { background: var(--mark); }
nav button[aria-current=true] { background: var(--card); border-color: var(--line); }
nav b { font-weight: 600; }
nav small { display: block; color: var(--faint); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font: 12px/1.6 ui-monospace, monospace; }
nav span { float: right; color: var(--faint); }
section { display: flex; flex-direction: column; min-width: 0; padding: 16px 24px 0; }
#tools { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; }
[role=tablist] { display: flex; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
[role=tab] { border: 0; padding: 5px 14px; background: none; color: inherit; font: inherit; cursor: pointer; }
[role=tab][aria-selected=true] { background: var(--accent); color: var(--card); }
#search { flex: 1; min-width: 140px; font: inherit; padding: 5px 10px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: inherit; }
#instruction { margin: 12px 0; padding: 8px 12px; background: var(--mark); border-radius: 8px; font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 6.5em; overflow: auto; }
#view { flex: 1; min-height: 0; overflow: auto; font: 13px/1.7 ui-monospace, monospace; padding-bottom: 24px; outline: none; }
details > div { margin-left: 18px; border-left: 1px solid var(--line); padding-left: 6px; }
summary, .leaf { display: flex; gap: 8px; white-space: pre; cursor: default; border-radius: 4px; padding: 0 4px; }
summary { cursor: pointer; list-style: none; }
summary::before { content: '▸'; color: var(--faint); width: 1ch; }
details[open] > summary::before { content: '▾'; }
.leaf::before { content: ''; width: 1ch; }
summary:hover, .leaf:hover { background: var(--mark); }
.name { overflow: hidden; text-overflow: ellipsis; }
.size { margin-left: auto; color: var(--faint); flex: none; }
.added .name { color: var(--added); } .changed .name { color: var(--changed); } .removed .name { color: var(--removed); text-decoration: line-through; }
.hidden .name { opacity: .55; } .note { color: var(--faint); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 3px 16px 3px 0; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; } td:first-child, td:nth-child(2) { white-space: nowrap; }
.empty { color: var(--faint); font-family: system-ui, sans-serif; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
@media (max-width: 760px) { body { height: auto; } main { display: block; } nav { border-right: 0; border-bottom: 1px solid var(--line); max-height: 40vh; } section { padding: 16px; } }
`;
