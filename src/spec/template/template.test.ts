import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate, fromJson, TemplateError } from './index.ts';

const data = {
  Name: '/clit1', Args: ['a'], Config: { Env: ['A=b'], Labels: { x: 'y', b: 'c' }, Cmd: ['echo', '<&>'], Volumes: null },
  State: { Running: false, ExitCode: 0, Health: null }, HostConfig: { Binds: null, Memory: 1073741824 }, Networks: { z: { IPAddress: '1.2.3.4' } },
};

function render(text: string, value: unknown = fromJson(data)): string {
  let out = '';
  compileTemplate(text, (name) => `map has no entry for key ${JSON.stringify(name)}`)(value, (piece) => { out += piece; });
  return out;
}

// Each result was seen with Docker's client 28.2 on a container with these values.
const seen: readonly (readonly [template: string, result: string])[] = [
  ['{{println "a" 1}}{{join .Config.Env ","}} {{title "abc def"}} {{pad "x" 1 2}}| {{truncate "abcdef" 3}} {{split "a,b" ","}}', 'a 1\nA=b Abc Def  x  | abc [a b]'],
  ['{{eq .State.ExitCode 0}} {{gt 3 2}} {{and true .Name}} {{not true}} {{slice "abc" 1 2}} {{html "<a>"}} {{1.5}} {{print "a" 1 2 "b"}} {{len .Args}}', 'true true /clit1 false b &lt;a&gt; 1.5 a1 2b 1'],
  ['{{range $k,$v := .Config.Labels}}{{$k}}={{$v}} {{end}}{{index .Config.Labels "x"}} {{index .Config.Env 0}} {{.Config.Labels.zz}}', 'b=c x=y y A=b <no value>'],
  ['{{.Config.Env}} {{.Config.Labels}} {{.HostConfig.Binds}} {{.Config.Volumes}} {{.State.Health}} {{.HostConfig.Memory}}', '[A=b] map[b:c x:y] [] map[] <nil> 1073741824'],
  ['{{json .Config.Cmd}} {{json .HostConfig.Binds}} {{json .Config.Labels}}', '["echo","<&>"] null {"b":"c","x":"y"}'],
  ['{{.Name | printf "%-10s|"}}{{printf "%q %v %d %05d %x" .Name .State.Running 5 42 255}}', '/clit1    |"/clit1" false 5 00042 ff'],
  ['{{if .State.Running}}up{{else if .State.ExitCode}}failed{{else}}down{{end}}', 'down'],
  ['{{with .State.Health}}{{.}}{{else}}none{{end}} {{with .Name}}{{.}}{{end}}', 'none /clit1'],
  ['{{range .Networks}}{{.IPAddress}}{{end}}', '1.2.3.4'],
  ['{{range $i, $e := .Config.Cmd}}{{if $i}},{{end}}{{$e}}{{end}}', 'echo,<&>'],
  ['a {{- " b " -}} c{{/* nothing */}}', 'a b c'],
  ['{{$x := 1}}{{range .Config.Cmd}}{{$x = 2}}{{end}}{{$x}}', '2'],
  ['{{range .HostConfig.Binds}}x{{else}}empty{{end}}', 'empty'],
  ['{{(index .Config.Cmd 0) | upper}} {{(.State).ExitCode}}', 'ECHO 0'],
  ['{{printf "%d"}} {{printf "%s" 1 2}}', '%!d(MISSING) %!s(int=1)%!(EXTRA int=2)'],
];

test('template gives what Docker gives', () => {
  for (const [template, result] of seen) assert.equal(render(template), result, template);
});

const refused: readonly (readonly [template: string, message: string])[] = [
  ['{{.Foo}}', 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
  ['{{.State.Foo}}', 'template: :1:8: executing "" at <.State.Foo>: map has no entry for key "Foo"'],
  ['{{.State', 'template: :1: unclosed action'],
  ['{{foo .ID}}', 'template: :1: function "foo" not defined'],
  ['{{if .Name}}', 'template: :1: unexpected EOF'],
  ['{{end}}', 'template: :1: unexpected {{end}}'],
];

test('template refuses in the words of Go', () => {
  for (const [template, message] of refused) {
    assert.throws(() => render(template), (error: unknown) => error instanceof TemplateError && error.message === message, template);
  }
});

test('template calls a method of a row with its argument', () => {
  const row = { Label: (name: unknown) => `label ${String(name)}`, ID: 'abc' };
  assert.equal(render('{{.Label "k"}} {{.ID}}', row), 'label k abc');
});

test('define, template and block: a template sees its own value alone', () => {
  assert.equal(render('{{define "n"}}<{{.}}>{{end}}{{template "n" .Name}}{{template "n" .State.ExitCode}}'), '</clit1><0>');
  assert.equal(render('{{block "b" .Config}}{{index .Env 0}}{{end}}|{{template "b" .Config}}'), 'A=b|A=b');
  assert.equal(render('{{define "n"}}{{.}}{{end}}{{template "n"}}'), '<no value>');
  assert.throws(() => render('{{template "none"}}'), { message: 'template: :1:11: executing "" at <{{template "none"}}>: template "none" not defined' });
  assert.throws(() => render('{{define "n"}}x'), TemplateError);
  assert.throws(() => render('{{define "n"}}{{template "n" .}}{{end}}{{template "n" .}}'), /exceeded maximum template depth/);
});
