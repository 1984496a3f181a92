// What this runtime can do, in the form of the specification's features document.
import { capabilityNames, hostArchitecture, mountOptionNames, namespaceFlags } from '../kernel/index.ts';
import { seccompActions, seccompComparisons, seccompFlagNames } from '../spec/oci/runtime-config.ts';
import { securityModules } from './create.ts';

export function features(): object {
  const modules = securityModules();
  return {
    ociVersionMin: '1.0.0', ociVersionMax: '1.2.1',
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: mountOptionNames,
    linux: {
      namespaces: Object.keys(namespaceFlags).toSorted(),
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
      seccomp: {
        enabled: true, actions: seccompActions, operators: seccompComparisons,
        archs: hostArchitecture() === 'x64' ? ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'] : ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
        knownFlags: seccompFlagNames, supportedFlags: seccompFlagNames,
      },
      apparmor: { enabled: modules.apparmor }, selinux: { enabled: modules.selinux }, intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: false },
    },
    annotations: {},
  };
}
