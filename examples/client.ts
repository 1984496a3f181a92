// Drives a daemon over its API, Estiva's or a dockerd: node examples/client.ts IMAGE, with DOCKER_HOST or ESTIVA_HOST set for another socket.
import { connect, createContainer, followLogs, inspectContainer, removeContainer, startContainer, version } from 'estiva/client';

using docker = connect();
console.log(`version ${(await version(docker)).ApiVersion} of the API`);
const { Id: id } = await createContainer(docker, { Image: process.argv[2] ?? 'estiva/hello', HostConfig: { NetworkMode: 'none' } });
try {
  await startContainer(docker, id);
  for await (const { stream, bytes } of followLogs(docker, id)) process[stream].write(bytes);
  console.log(`exit code ${(await inspectContainer(docker, id)).State.ExitCode}`);
} finally {
  await removeContainer(docker, id, { force: true, volumes: true });
}
