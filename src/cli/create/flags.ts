// The flags that run and create share: a container's whole configuration.
import { flag } from '../flags.ts';
import { attachStream, bytes, deviceCgroupRule, environmentEntry, extraHost, ipAddress, nanoCpus, pair, restartPolicy, swapBytes, sysctl, ulimit } from './values.ts';

export const createFlags = {
  'add-host': flag.list('', 'list', 'Add a line to the container\'s hosts file (host:ip)', extraHost),
  attach: flag.list('a', 'list', 'Attach only these streams: STDIN, STDOUT, STDERR', attachStream),
  'cap-add': flag.texts('', 'list', 'Give a Linux capability'),
  'cap-drop': flag.texts('', 'list', 'Take a Linux capability away'),
  'cgroup-parent': flag.text('', 'string', 'Cgroup under which the container\'s own is made'),
  cgroupns: flag.text('', 'string', 'Cgroup namespace: private or host'),
  cidfile: flag.text('', 'string', 'Write the container\'s id to this file'),
  'cpu-period': flag.integer('', 'int', 'CPU time: length of a period in microseconds'),
  'cpu-quota': flag.integer('', 'int', 'CPU time: share of a period in microseconds'),
  'cpu-shares': flag.integer('c', 'int', 'Weight against other containers when CPUs are scarce'),
  cpus: flag.value('', 'decimal', 'Number of CPUs, like 1.5', nanoCpus),
  'cpuset-cpus': flag.text('', 'string', 'CPUs to run on (0-3, 0,1)'),
  'cpuset-mems': flag.text('', 'string', 'Memory nodes to use (0-3, 0,1)'),
  device: flag.texts('', 'list', 'Give a device of the host (host[:container[:rwm]])'),
  'device-cgroup-rule': flag.list('', 'list', 'Allow a class of devices (type major:minor access)', deviceCgroupRule),
  // Not in help: only a dockerd takes them, until there are networks.
  dns: flag.list('', 'list', '', ipAddress),
  'dns-option': flag.texts('', 'list', ''),
  'dns-search': flag.texts('', 'list', ''),
  domainname: flag.text('', 'string', 'NIS domain name'),
  entrypoint: flag.text('', 'string', 'Replace the image\'s entrypoint'),
  env: flag.list('e', 'list', 'Set an environment variable (NAME=value, or NAME from here)', environmentEntry),
  'env-file': flag.texts('', 'list', 'Read environment variables from a file'),
  'group-add': flag.texts('', 'list', 'Join one more group'),
  hostname: flag.text('h', 'string', 'Host name inside the container'),
  interactive: flag.on('i', 'Keep stdin open'),
  ipc: flag.text('', 'string', 'IPC namespace: private, shareable, none, host, container:name'),
  label: flag.texts('l', 'list', 'Put a label on the container (key=value)'),
  'label-file': flag.texts('', 'list', 'Read labels from a file'),
  'log-driver': flag.text('', 'string', 'How output is kept: json-file'),
  'log-opt': flag.list('', 'list', 'Option of the log driver (key=value)', pair),
  memory: flag.value('m', 'bytes', 'Limit of memory', bytes),
  'memory-reservation': flag.value('', 'bytes', 'Memory to be left when the host runs short', bytes),
  'memory-swap': flag.value('', 'bytes', 'Limit of memory and swap together; -1: no limit of swap', swapBytes),
  'memory-swappiness': flag.integer('', 'int', 'How readily memory is swapped out (0 to 100)'),
  name: flag.text('', 'string', 'Name of the container'),
  network: flag.text('', 'network', 'Network: none, host, container:name'),
  net: flag.text('', 'network', ''),
  'oom-kill-disable': flag.on('', 'Pause instead of killing when memory runs out (cgroup v1)'),
  'oom-score-adj': flag.integer('', 'int', 'Whom the kernel kills first (-1000 to 1000)'),
  pid: flag.text('', 'string', 'PID namespace: host, container:name'),
  'pids-limit': flag.integer('', 'int', 'Limit of processes; -1: none'),
  platform: flag.text('', 'string', 'Platform of the image (os/arch)'),
  privileged: flag.on('', 'All capabilities and devices, no filters'),
  pull: flag.text('', 'string', 'When to pull the image: missing, never'),
  quiet: flag.on('q', 'Do not show the pull'),
  'read-only': flag.on('', 'Root file system for reading only'),
  restart: flag.value('', 'string', 'When to start it again after its end: no, always, on-failure[:n], unless-stopped', restartPolicy),
  rm: flag.on('', 'Remove the container when it ends'),
  runtime: flag.text('', 'string', 'OCI runtime'),
  'security-opt': flag.texts('', 'list', 'Security option (no-new-privileges, seccomp=file, …)'),
  'shm-size': flag.value('', 'bytes', 'Size of /dev/shm', bytes),
  'stop-signal': flag.text('', 'string', 'Signal that asks the container to stop'),
  'stop-timeout': flag.integer('', 'int', 'Seconds between asking and killing'),
  sysctl: flag.list('', 'map', 'Set a kernel parameter of the container\'s namespaces', sysctl),
  tmpfs: flag.texts('', 'list', 'Mount a tmpfs (path[:options])'),
  tty: flag.on('t', 'Give the container a terminal'),
  ulimit: flag.list('', 'ulimit', 'Resource limit (name=soft[:hard])', ulimit),
  user: flag.text('u', 'string', 'User and group (name|uid[:group|gid])'),
  userns: flag.text('', 'string', 'User namespace'),
  uts: flag.text('', 'string', 'UTS namespace: host'),
  workdir: flag.text('w', 'string', 'Working directory inside the container'),
} as const;

const ports = 'ports need networks, which come later; use --network host';
const volumes = 'volumes and bind mounts come later; import the files into an image or use --tmpfs';
const networks = 'networks come later; use --network none or host';
const health = 'health checks come later; check from outside with estiva exec';
const throttles = 'block I/O limits come later';

/** Docker's flags of run and create that Estiva does not have yet. */
export const createLater = {
  'publish|p': ports, 'publish-all|P': ports, expose: ports, 'volume|v': volumes, mount: volumes, 'volumes-from': volumes, 'volume-driver': volumes,
  'network-alias': networks, 'net-alias': networks, ip: networks, ip6: networks, 'mac-address': networks, link: networks, 'link-local-ip': networks,
  init: 'use an image whose program reaps its children',
  'health-cmd': health, 'health-interval': health, 'health-retries': health, 'health-start-interval': health, 'health-start-period': health,
  'health-timeout': health, 'no-healthcheck': health, gpus: 'give devices with --device', annotation: 'use --label',
  'blkio-weight': throttles, 'blkio-weight-device': throttles, 'device-read-bps': throttles, 'device-read-iops': throttles, 'device-write-bps': throttles,
  'device-write-iops': throttles, 'cpu-rt-period': 'use --cpus', 'cpu-rt-runtime': 'use --cpus', isolation: 'it is for Windows', 'kernel-memory': 'Linux has dropped it',
  'storage-opt': 'containers share the disk of the data root', 'use-api-socket': volumes, 'disable-content-trust': 'there is nothing to disable',
} as const;
