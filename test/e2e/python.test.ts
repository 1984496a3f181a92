// Docker's library for Python doing a container's life, against whatever engine is under test.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { command } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const skip = !existsSync('/usr/lib/python3/dist-packages/docker/__init__.py') && 'python3-docker is not installed';

async function python(program: string): Promise<string> {
  const prelude = `import docker, io, json\nclient = docker.DockerClient(base_url=${JSON.stringify(engine.dockerHost)})\nimage = ${JSON.stringify(busybox)}\n`;
  return succeeded(await command('/usr/bin/python3', ['-c', prelude + program], { timeoutMs: 60_000 }));
}

test('docker-py: run gives the output, and a failure as an exception with exit code and stderr', { skip }, async () => {
  assert.equal(await python(`
print(client.ping(), client.version()['Os'])
print(client.containers.run(image, ['sh', '-c', 'echo "$A"'], environment={'A': 'b c'}, network_mode='none', remove=True))
try:
  client.containers.run(image, ['sh', '-c', 'echo bad >&2; exit 3'], network_mode='none', remove=True)
except docker.errors.ContainerError as error:
  print(error.exit_status, error.stderr)
try:
  client.containers.run(image, ['no-such-program'], network_mode='none', remove=True)
except docker.errors.APIError as error:
  print('executable file not found' in str(error))
try:
  client.containers.get('no-such-container')
except docker.errors.NotFound as error:
  print(error.explanation)
`), 'True linux\nb\'b c\\n\'\n3 b\'bad\\n\'\nTrue\nNo such container: no-such-container\n');
});

test('docker-py: a container\'s life: create, start, logs, exec, stop, wait, inspect, remove', { skip }, async () => {
  const name = engine.unique('python');
  assert.equal(await python(`
box = client.containers.create(image, ['sh', '-c', 'trap "echo bye; exit 4" TERM; echo hi; echo err >&2; while :; do sleep 0.1; done'], name='${name}', labels={'l': 'python'}, mem_limit='64m', network_mode='none')
print(box.status)
box.start()
stream = box.logs(stream=True, follow=True)
print(next(stream))
code, output = box.exec_run(['sh', '-c', 'echo out; echo err >&2; exit 5'], demux=True)
print(code, output)
print(box.exec_run('cat /proc/self/cgroup', user='1000:1000').exit_code)
print([found.name for found in client.containers.list(filters={'label': 'l=python', 'name': '${name}'})] == ['${name}'])
box.stop(timeout=5)
print(box.wait()['StatusCode'], box.logs(stdout=True, stderr=False))
box.reload()
print(box.status, box.attrs['HostConfig']['Memory'], box.attrs['State']['ExitCode'])
box.remove()
print(client.containers.list(all=True, filters={'name': '${name}'}))
`), 'created\nb\'hi\\n\'\n5 (b\'out\\n\', b\'err\\n\')\n0\nTrue\n4 b\'hi\\nbye\\n\'\nexited 67108864 4\n[]\n');
});

test('docker-py: attach with stdin, images', { skip }, async () => {
  assert.equal(await python(`
import socket
box = client.containers.create(image, ['cat'], stdin_open=True, network_mode='none')
attached = box.attach_socket(params={'stdin': 1, 'stdout': 1, 'stream': 1})
box.start()
attached._sock.sendall(b'typed')
attached._sock.shutdown(socket.SHUT_WR)
print(attached._sock.recv(100)[8:])
box.remove(force=True)
found = client.images.get(image)
print(image in found.tags, found.tag('python-test/tagged', 'x'))
client.images.remove('python-test/tagged:x')
print(any('python-test/tagged:x' in one.tags for one in client.images.list()))
`), 'b\'typed\'\nTrue True\nFalse\n');
});
