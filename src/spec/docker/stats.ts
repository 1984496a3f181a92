// `GET /containers/{id}/stats`. Source: Docker Engine API v1.24–v1.51, checked against dockerd 28.5.

export interface CpuStats {
  readonly cpu_usage: {
    readonly total_usage: number;
    /** Cgroups of version 1 only. */
    readonly percpu_usage?: readonly number[];
    readonly usage_in_kernelmode: number;
    readonly usage_in_usermode: number;
  };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
  readonly throttling_data: { readonly periods: number; readonly throttled_periods: number; readonly throttled_time: number };
}

export interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

export interface BlockStats {
  readonly io_service_bytes_recursive: readonly BlockEntry[] | null;
  readonly io_serviced_recursive: readonly BlockEntry[] | null;
  readonly io_queue_recursive: readonly BlockEntry[] | null;
  readonly io_service_time_recursive: readonly BlockEntry[] | null;
  readonly io_wait_time_recursive: readonly BlockEntry[] | null;
  readonly io_merged_recursive: readonly BlockEntry[] | null;
  readonly io_time_recursive: readonly BlockEntry[] | null;
  readonly sectors_recursive: readonly BlockEntry[] | null;
}

export interface MemoryStats {
  readonly usage?: number;
  readonly max_usage?: number;
  readonly stats?: Readonly<Record<string, number>>;
  readonly failcnt?: number;
  readonly limit?: number;
}

export interface LinkStats {
  readonly rx_bytes: number;
  readonly rx_packets: number;
  readonly rx_errors: number;
  readonly rx_dropped: number;
  readonly tx_bytes: number;
  readonly tx_packets: number;
  readonly tx_errors: number;
  readonly tx_dropped: number;
}

export interface ContainerStats {
  readonly name: string;
  readonly id: string;
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly blkio_stats: BlockStats;
  /** Windows only. */
  readonly num_procs: 0;
  readonly storage_stats: Readonly<Record<string, never>>;
  readonly cpu_stats: CpuStats;
  readonly precpu_stats: CpuStats;
  readonly memory_stats: MemoryStats;
  /** Per interface; absent where there is none but loopback, and in the host's network. */
  readonly networks?: Readonly<Record<string, LinkStats>>;
}
