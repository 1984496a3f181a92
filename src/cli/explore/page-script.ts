// What the page of an image does: choose a layer, open directories, find paths. A directory's lines are made when it is opened: an image has tens of
// thousands of files. Everything that comes from the image is set with textContent.
export const script = String.raw`
'use strict';
const image = JSON.parse(document.getElementById('data').textContent);
const state = { layer: image.layers.length, view: 'files', changes: new Set(['added', 'changed', 'removed']), search: '' };
const at = (id) => document.getElementById(id);
const make = (tag, className, text) => { const node = document.createElement(tag); if (className) node.className = className; if (text !== undefined) node.textContent = text; return node; };
const size = (bytes) => { let value = bytes, unit = 0; while (value >= 1000 && unit < 4) { value /= 1000; unit++; } return (unit === 0 ? value : Number(value.toPrecision(3))) + ' ' + ['B', 'kB', 'MB', 'GB', 'TB'][unit]; };
const count = (number, what) => number + ' ' + what + (number === 1 ? '' : 's');

at('facts').textContent = size(image.sizeBytes) + ' in ' + count(image.layers.length, 'layer') + ' · efficiency ' + (Math.floor(image.efficiency * 1000) / 10) + ' % · ' + size(image.wastedBytes) + ' wasted';
document.querySelector('h1').textContent = image.tags[0] || image.id;

for (const layer of image.layers) {
  const piece = make('button');
  piece.style.setProperty('flex-grow', Math.max(layer.sizeBytes, image.sizeBytes / 400));
  piece.title = 'Layer ' + layer.number + ', ' + size(layer.sizeBytes) + ', ' + size(layer.wastedBytes) + ' wasted';
  const wasted = make('i');
  wasted.style.setProperty('width', (layer.sizeBytes ? 100 * layer.wastedBytes / layer.sizeBytes : 0) + '%');
  piece.append(wasted);
  const entry = make('button');
  const head = make('b', '', 'Layer ' + layer.number);
  head.append(make('span', '', size(layer.sizeBytes)));
  entry.append(head, make('small', '', layer.createdBy || 'no instruction recorded'), make('small', '', '+' + layer.added + ' ~' + layer.changed + ' −' + layer.removed + (layer.wastedBytes ? ' · ' + size(layer.wastedBytes) + ' wasted' : '')));
  for (const button of [piece, entry]) button.addEventListener('click', () => { state.layer = layer.number; state.view = 'files'; show(); });
  at('bar').append(piece);
  const item = make('li');
  item.append(entry);
  at('layers').append(item);
}

function show() {
  const layer = image.layers[state.layer - 1];
  [...at('bar').children].forEach((piece, i) => piece.setAttribute('aria-pressed', i + 1 === state.layer));
  document.querySelectorAll('#layers button').forEach((entry, i) => entry.setAttribute('aria-current', i + 1 === state.layer));
  document.querySelectorAll('[role=tab]').forEach((tab) => tab.setAttribute('aria-selected', tab.dataset.view === state.view));
  at('instruction').textContent = state.view === 'files' && layer ? layer.createdBy || 'no instruction recorded' : state.view === 'wasted' ? 'In the image, and not to be seen in it: overwritten or removed by a later layer.' : 'Files of the finished image that have the same content.';
  at('view').replaceChildren(state.view === 'files' ? files(layer) : state.view === 'wasted' ? wasted() : twice());
}

const matches = (path) => state.search === '' || path.toLowerCase().includes(state.search);

function files(layer) {
  const chosen = (layer ? layer.files : []).filter((file) => state.changes.has(file.change) && matches(file.path));
  if (chosen.length === 0) return make('p', 'empty', 'Nothing here.');
  const root = { children: new Map(), bytes: 0 };
  for (const file of chosen) {
    let branch = root;
    for (const name of file.path.split('/').slice(1)) {
      if (!branch.children.has(name)) branch.children.set(name, { name, children: new Map(), bytes: 0 });
      branch = branch.children.get(name);
      if (file.change !== 'removed') branch.bytes += file.sizeBytes;
    }
    branch.file = file;
  }
  const list = make('div');
  fill(list, root, state.search !== '' && chosen.length < 400);
  return list;
}

function fill(into, branch, isOpen) {
  const sorted = [...branch.children.values()].sort((a, b) => (b.children.size > 0) - (a.children.size > 0) || (a.name < b.name ? -1 : 1));
  for (const child of sorted) {
    if (child.children.size === 0) { into.append(line(make('div', 'leaf'), child)); continue; }
    const details = make('details');
    const inside = make('div');
    details.append(line(make('summary'), child), inside);
    const open = () => { if (inside.childElementCount === 0) fill(inside, child, isOpen || (child.children.size === 1)); };
    details.addEventListener('toggle', () => { if (details.open) open(); });
    if (isOpen) { open(); details.open = true; }
    into.append(details);
  }
}

function line(node, branch) {
  const file = branch.file;
  if (file) node.classList.add(file.change);
  if (file && file.hiddenBy) node.classList.add('hidden');
  const isDirectory = branch.children.size > 0 || (file && file.kind === 'directory');
  node.append(make('span', 'name', branch.name + (isDirectory ? '/' : '')));
  if (file && file.kind === 'link') node.append(make('span', 'note', '→ ' + file.target));
  else if (file && file.target) node.append(make('span', 'note', 'the same as ' + file.target));
  if (file && file.hiddenBy) node.append(make('span', 'note', 'hidden by layer ' + file.hiddenBy));
  if (file) node.title = file.change + ' · ' + file.kind + ' · mode ' + file.mode.toString(8).padStart(4, '0') + ' · ' + file.uid + ':' + file.gid + ' · ' + new Date(file.mtimeMs).toISOString().replace('T', ' ').slice(0, 19);
  const bytes = file && file.change === 'removed' ? file.sizeBytes : branch.bytes;
  node.append(make('span', 'size', isDirectory || (file && file.kind === 'file') ? (file && file.change === 'removed' ? '−' : '') + size(bytes) : file ? file.kind : ''));
  return node;
}

function table(heads, rows) {
  if (rows.length === 0) return make('p', 'empty', 'Nothing here.');
  const made = make('table');
  const head = made.createTHead().insertRow();
  for (const text of heads) head.append(make('th', '', text));
  const body = made.createTBody();
  for (const cells of rows.slice(0, 2000)) { const row = body.insertRow(); for (const text of cells) row.insertCell().textContent = text; }
  return made;
}

const wasted = () => table(['Bytes', 'Layers', 'Path'], image.wasted.filter(({ path }) => matches(path)).map((one) => [size(one.wastedBytes), one.layers.join(', '), one.path]));
const twice = () => table(['Bytes each', 'Times', 'Paths'], image.duplicates.filter(({ files }) => files.some(({ path }) => matches(path))).map((one) => [size(one.sizeBytes), one.files.length, one.files.map(({ path }) => path).join('  ')]));

for (const tab of document.querySelectorAll('[role=tab]')) tab.addEventListener('click', () => { state.view = tab.dataset.view; show(); });
for (const box of document.querySelectorAll('[data-change]')) box.addEventListener('change', () => { state.changes[box.checked ? 'add' : 'delete'](box.dataset.change); show(); });
at('search').addEventListener('input', (event) => { state.search = event.target.value.trim().toLowerCase(); show(); });
show();
`;
