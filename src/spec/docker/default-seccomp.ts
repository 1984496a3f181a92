// The seccomp profile of every container that does not choose another: what ordinary programs need is allowed, everything else answers EPERM,
// as if the program lacked a right. Its verdicts are Docker's (default-seccomp.test.ts says where not), so that images behave the same; its
// order is ours: calls stand under what they are for, with the reason where one is needed.
//
// What is missing is the point. Kernel keyrings and userfaultfd are not namespaced or are used in nearly every kernel exploit; io_uring does
// its work past filters like this one; kexec, swap, nfsservctl, quotas and module loading are the host's business; sockets of the families ALG
// (the kernel's crypto) and VSOCK (the hypervisor) reach past the container.
// What a capability guards stands at the end: the filter lets it through only with that capability.
import type { SeccompProfile, SeccompProfileRule } from './seccomp.ts';
import type { SeccompArgument } from '../oci/runtime.ts';

/** Namespace flags of clone(2), linux/sched.h: mount, cgroup, UTS, IPC, user, PID and network. CLONE_NEWTIME shares bits with the exit signal. */
const newNamespaces = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
const addressFamily = { alg: 38, nfc: 39, vsock: 40 } as const; // linux/socket.h
const errnoNoSystemCall = 38; // ENOSYS

const allow = (comment: string, names: string): SeccompProfileRule => ({ comment, names: names.split(' '), action: 'SCMP_ACT_ALLOW' });
const allowWhen = (comment: string, name: string, ...args: readonly SeccompArgument[]): SeccompProfileRule => ({ comment, names: [name], action: 'SCMP_ACT_ALLOW', args });
const allowWith = (capability: string, names: string): SeccompProfileRule => ({ names: names.split(' '), action: 'SCMP_ACT_ALLOW', includes: { caps: [capability] } });
const allowOn = (arches: readonly string[], comment: string, names: string): SeccompProfileRule => ({ ...allow(comment, names), includes: { arches } });

const processes: readonly SeccompProfileRule[] = [
  allow('Run and end programs', 'execve execveat exit exit_group fork vfork wait4 waitid waitpid restart_syscall'),
  allow('Who am I', 'getpid getppid gettid getpgid getpgrp getsid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32'),
  allow('Become somebody else: the kernel asks for the capabilities', 'setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset'),
  allow('Groups and sessions of processes', 'setpgid setsid'),
  allow('Own properties, limits and use of resources', 'prctl umask getrlimit ugetrlimit setrlimit prlimit64 getrusage times sysinfo uname getcpu'),
  allow('Narrow oneself further', 'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self'),
  allow('Scheduling', 'sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set'),
  allow('Processes by descriptor', 'pidfd_open pidfd_send_signal process_mrelease'),
  allow('Threads', 'futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue set_tid_address set_robust_list get_robust_list set_thread_area get_thread_area rseq membarrier'),
  allow('Return probes: the kernel plants the call where a traced function returns', 'uretprobe'),
  {
    comment: 'Threads and processes, but no new namespaces: those open kernel code that only administrators should reach',
    names: ['clone'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_ADMIN'] },
    args: [{ index: 0, value: newNamespaces, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
  },
  {
    comment: 'Its flags are in memory, where no filter can look. ENOSYS makes C libraries fall back to clone',
    names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: errnoNoSystemCall, excludes: { caps: ['CAP_SYS_ADMIN'] },
  },
  {
    comment: 'Debug own processes. Before 4.8 a tracer could change a call after the filter had seen it',
    names: ['ptrace', 'process_vm_readv', 'process_vm_writev'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' },
  },
];

const signals: readonly SeccompProfileRule[] = [
  allow('Send', 'kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo'),
  allow('Receive', 'rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_sigreturn sigaltstack sigprocmask sigreturn signalfd signalfd4 pause'),
];

const memory: readonly SeccompProfileRule[] = [
  allow('Map and unmap', 'brk mmap mmap2 munmap mremap remap_file_pages mprotect msync madvise mincore mseal map_shadow_stack'),
  allow('Protection keys', 'pkey_alloc pkey_free pkey_mprotect'),
  allow('Keep in memory, as far as the limit goes', 'mlock mlock2 mlockall munlock munlockall'),
  allow('Memory without a file', 'memfd_create memfd_secret'),
];

const files: readonly SeccompProfileRule[] = [
  allow('Open and close', 'open openat openat2 creat close close_range name_to_handle_at'),
  allow('Read and write', 'read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek readahead fadvise64 fadvise64_64'),
  allow('Copy inside the kernel', 'sendfile sendfile64 copy_file_range splice tee vmsplice'),
  allow('Length and blocks', 'truncate truncate64 ftruncate ftruncate64 fallocate'),
  allow('Reach the disk', 'sync syncfs fsync fdatasync sync_file_range'),
  allow('Descriptors', 'dup dup2 dup3 fcntl fcntl64 ioctl flock pipe pipe2'),
  allow('Facts about files and file systems', 'stat stat64 fstat fstat64 lstat lstat64 fstatat64 newfstatat statx access faccessat faccessat2 statfs statfs64 fstatfs fstatfs64 cachestat'),
  allow('Mounts, read only', 'statmount listmount'),
  allow('Directories', 'getdents getdents64 mkdir mkdirat rmdir chdir fchdir getcwd'),
  allow('Names', 'link linkat symlink symlinkat readlink readlinkat rename renameat renameat2 unlink unlinkat'),
  allow('Device nodes and pipes: which devices work is the device cgroup\'s decision', 'mknod mknodat'),
  allow('Owners, modes, times', 'chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 utime utimes futimesat utimensat utimensat_time64'),
  allow('Extended attributes', 'getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat'),
  allow('Watch for changes', 'inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark'),
];

const waiting: readonly SeccompProfileRule[] = [
  allow('For descriptors', 'select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2'),
  allow('For disks, the old way (io_uring is refused)', 'io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64'),
];

const time: readonly SeccompProfileRule[] = [
  allow('Clocks; adjtimex and its kin may read, the kernel asks for CAP_SYS_TIME to set', 'time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 adjtimex clock_adjtime clock_adjtime64'),
  allow('Sleep', 'nanosleep clock_nanosleep clock_nanosleep_time64'),
  allow('Timers', 'alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64'),
  allow('Random numbers', 'getrandom'),
];

const sockets: readonly SeccompProfileRule[] = [
  allow('Sockets that are open', 'bind listen accept accept4 connect shutdown socketpair getsockname getpeername getsockopt setsockopt recv recvfrom recvmsg recvmmsg recvmmsg_time64 send sendto sendmsg sendmmsg'),
  // Two conditions on one argument in one rule would be either-or. So the families that are refused are left out by ranges.
  allowWhen('New sockets of the families below ALG', 'socket', { index: 0, value: addressFamily.alg, op: 'SCMP_CMP_LT' }),
  allowWhen('of the one between ALG and VSOCK', 'socket', { index: 0, value: addressFamily.nfc, op: 'SCMP_CMP_EQ' }),
  allowWhen('and of those above VSOCK', 'socket', { index: 0, value: addressFamily.vsock, op: 'SCMP_CMP_GT' }),
  allow('The only way to a socket for old 32-bit programs; its arguments are in memory, so families cannot be told apart', 'socketcall'),
];

const interProcess: readonly SeccompProfileRule[] = [
  allow('System V', 'ipc shmget shmat shmdt shmctl semget semop semtimedop semtimedop_time64 semctl msgget msgsnd msgrcv msgctl'),
  allow('POSIX message queues', 'mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr'),
];

/** personality(2) for what programs use it for; other personalities make old bugs reachable. */
const personalities: readonly SeccompProfileRule[] = [
  { comment: 'Linux, as now', value: 0 },
  { comment: 'Linux with 32 bits', value: 0x0000_0008 },
  { comment: 'uname says 2.6', value: 0x0002_0000 },
  { comment: 'Both', value: 0x0002_0008 },
  { comment: 'Ask, without a change', value: 0xffff_ffff },
].map(({ comment, value }) => allowWhen(comment, 'personality', { index: 0, value, op: 'SCMP_CMP_EQ' }));

const processors: readonly SeccompProfileRule[] = [
  allowOn(['amd64'], 'Thread-local storage', 'arch_prctl'),
  allowOn(['amd64'], 'Segments of 32-bit programs', 'modify_ldt'),
  allowOn(['arm64'], 'What 32-bit arm programs have in place of others', 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
];

const privileged: readonly SeccompProfileRule[] = [
  allowWith('CAP_SYS_ADMIN', 'clone clone3 unshare setns'),
  allowWith('CAP_SYS_ADMIN', 'mount umount umount2 mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick'),
  allowWith('CAP_SYS_ADMIN', 'sethostname setdomainname quotactl quotactl_fd fanotify_init syslog lookup_dcookie bpf perf_event_open'),
  allowWith('CAP_SYS_ADMIN', 'lsm_get_self_attr lsm_set_self_attr lsm_list_modules'),
  allowWith('CAP_BPF', 'bpf'),
  allowWith('CAP_DAC_READ_SEARCH', 'open_by_handle_at'),
  allowWith('CAP_PERFMON', 'perf_event_open'),
  allowWith('CAP_SYSLOG', 'syslog'),
  allowWith('CAP_SYS_BOOT', 'reboot'),
  allowWith('CAP_SYS_CHROOT', 'chroot'),
  allowWith('CAP_SYS_MODULE', 'init_module finit_module delete_module'),
  allowWith('CAP_SYS_NICE', 'mbind get_mempolicy set_mempolicy set_mempolicy_home_node'),
  allowWith('CAP_SYS_PACCT', 'acct'),
  allowWith('CAP_SYS_PTRACE', 'ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd'),
  allowWith('CAP_SYS_RAWIO', 'iopl ioperm'),
  allowWith('CAP_SYS_TIME', 'clock_settime clock_settime64 settimeofday stime'),
  allowWith('CAP_SYS_TTY_CONFIG', 'vhangup'),
];

export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    ...processes, ...signals, ...memory, ...files, ...waiting, ...time, ...sockets, ...interProcess, ...personalities, ...processors, ...privileged,
  ],
};
