// Networks: links, addresses, names and published ports of containers.
export * from './network.ts';
