import { info } from '../../client/index.ts';
import type { SystemInfo } from '../../spec/docker/system.ts';
import { defineCommand } from '../command.ts';
import { textOfError } from '../errors.ts';
import { flag } from '../flags.ts';
import { printValue } from '../format.ts';
import { productVersion } from '../product.ts';
import { say, warn } from '../session.ts';
import { fromJson } from '../../spec/template/index.ts';
import { binarySize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Display system-wide information',
  examples: [
    ['info --format \'{{.ServerVersion}}\'', 'single values'],
  ],
  aliases: ['system info', 'info'],
  flags: { format: flag.text('f', 'string', 'Template, or \'json\'') },
  operands: { min: 0, max: 0 },
  async run({ values: { format }, session }) {
    if (format !== undefined && format !== '') {
      printValue(session, format, fromJson(await info(session.docker)), 'system.dockerInfo');
      return 0;
    }
    for (const line of ['Client: Estiva', ` Version:    ${productVersion}`, ` Context:    ${session.contextName()}`, '', 'Server:']) say(session, line);
    try {
      for (const line of serverLines(await info(session.docker))) say(session, line);
    } catch (error) {
      warn(session, textOfError(error));
      return 1;
    }
    return 0;
  },
});

function serverLines(server: SystemInfo): string[] {
  return [
    ` Containers: ${server.Containers}`, `  Running: ${server.ContainersRunning}`, `  Paused: ${server.ContainersPaused}`, `  Stopped: ${server.ContainersStopped}`,
    ` Images: ${server.Images}`, ` Server Version: ${server.ServerVersion}`, ` Storage Driver: ${server.Driver}`,
    ...(server.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ` Logging Driver: ${server.LoggingDriver}`, ` Cgroup Driver: ${server.CgroupDriver}`, ` Cgroup Version: ${server.CgroupVersion}`,
    ' Plugins:', `  Volume: ${server.Plugins.Volume.join(' ')}`, `  Network: ${server.Plugins.Network.join(' ')}`, `  Log: ${server.Plugins.Log.join(' ')}`,
    ` Runtimes: ${Object.keys(server.Runtimes).sort().join(' ')}`, ` Default Runtime: ${server.DefaultRuntime}`, ' Security Options:', ...server.SecurityOptions.flatMap(securityLines),
    ` Kernel Version: ${server.KernelVersion}`, ` Operating System: ${server.OperatingSystem}`, ` OSType: ${server.OSType}`, ` Architecture: ${server.Architecture}`,
    ` CPUs: ${server.NCPU}`, ` Total Memory: ${binarySize(server.MemTotal)}`, ` Name: ${server.Name}`, ` ID: ${server.ID}`, ` Docker Root Dir: ${server.DockerRootDir}`,
    ` Debug Mode: ${server.Debug}`, ...proxyLines(server), ` Experimental: ${server.ExperimentalBuild}`, ...registryLines(server.RegistryConfig), ` Live Restore Enabled: ${server.LiveRestoreEnabled}`,
    ...(server.Warnings ?? []).map((warning) => warning),
  ];
}

function proxyLines({ HttpProxy, HttpsProxy, NoProxy }: SystemInfo): string[] {
  return Object.entries({ 'HTTP Proxy': HttpProxy, 'HTTPS Proxy': HttpsProxy, 'No Proxy': NoProxy }).flatMap(([title, value]) => (value === '' ? [] : [` ${title}: ${value}`]));
}

function registryLines({ IndexConfigs, InsecureRegistryCIDRs, Mirrors }: SystemInfo['RegistryConfig']): string[] {
  const insecure = [...Object.values(IndexConfigs).filter(({ Secure }) => !Secure).map(({ Name }) => Name), ...InsecureRegistryCIDRs];
  return [
    ...(insecure.length === 0 ? [] : [' Insecure Registries:', ...insecure.map((name) => `  ${name}`)]),
    ...(Mirrors === null ? [] : [' Registry Mirrors:', ...Mirrors.map((mirror) => `  ${mirror}`)]),
  ];
}

/** `name=seccomp,profile=builtin` as a name and its properties below. */
function securityLines(option: string): string[] {
  const [name = '', ...properties] = option.split(',');
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  return [`  ${name.replace(/^name=/, '')}`, ...properties.map((property) => `   ${capital(property.replace('=', ': '))}`)];
}
