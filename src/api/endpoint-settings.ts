// What is asked of one network, from JSON: a value of `NetworkingConfig.EndpointsConfig` of a create, the `EndpointConfig` of a connect.
// What dockerd tells there (ids, addresses that an endpoint has got) and clients send back asks for nothing. Whether the network can give it is its own to say.
import { decode, fail } from '../base/index.ts';
import type { EndpointSettings } from '../spec/docker/container.ts';

const { dictionary, integer, list, mapped, nullable, object, text } = decode;

/** Six octets, as they are written. @throws `invalid` in dockerd's words */
export const macAddress: decode.Decode<string> = mapped(text, (mac) => {
  if (mac !== '' && !/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) throw fail('invalid', `invalid MAC address: address ${mac.slice(0, 100)}: invalid MAC address`);
  return mac.toLowerCase().replaceAll('-', ':');
});

const addresses = object<NonNullable<EndpointSettings['IPAMConfig']>>({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: list(text) });

const settings = object<EndpointSettings>({
  IPAMConfig: nullable(addresses), Links: list(text), Aliases: list(text), MacAddress: macAddress, DriverOpts: dictionary(text), GwPriority: integer,
});

const none: EndpointSettings = { IPAMConfig: null, Links: [], Aliases: [], MacAddress: '', DriverOpts: {}, GwPriority: 0 };

export const endpointSettings: decode.Decode<EndpointSettings> = (value, path) => (value === null || value === undefined ? none : settings(value, path));

/** By name or id of the network. */
export const endpointsConfig: decode.Decode<Readonly<Record<string, EndpointSettings>>> = dictionary(endpointSettings);
