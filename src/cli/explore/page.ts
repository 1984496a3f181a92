// One page to look around in an image: everything in it, nothing fetched, no server. The image's own words come in as JSON and are set as text, never as
// markup; the policy in the head allows nothing but the page's own script and style.
import { createHash } from 'node:crypto';
import type { Exploration } from '../../spec/estiva/exploration.ts';
import { script } from './page-script.ts';
import { style } from './page-style.ts';
import { titleOf } from './summary.ts';

export function pageOf(exploration: Exploration): string {
  const title = escapeText(`${titleOf(exploration)}: layers`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${sourceOf(script)}; style-src ${sourceOf(style)}">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header><h1></h1><p id="facts"></p><div id="bar" role="img"></div></header>
<main>
<nav aria-label="Layers"><h2>Layers</h2><ol id="layers"></ol></nav>
<section aria-label="Files">
<div id="tools">
<div role="tablist"><button role="tab" data-view="files">Files</button><button role="tab" data-view="wasted">Wasted</button><button role="tab" data-view="twice">Twice</button></div>
<label><input type="checkbox" data-change="added" checked> added</label><label><input type="checkbox" data-change="changed" checked> changed</label><label><input type="checkbox" data-change="removed" checked> removed</label>
<input id="search" type="search" placeholder="Find a path" aria-label="Find a path">
</div>
<p id="instruction"></p>
<div id="view" tabindex="-1"></div>
</section>
</main>
<script type="application/json" id="data">${JSON.stringify(exploration).replaceAll('<', '\\u003c')}</script>
<script>${script}</script>
</body>
</html>
`;
}

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
