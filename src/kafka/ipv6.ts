import type { ISocketFactory } from 'kafkajs';

/**
 * kafkajs cuts `host:port` at its first colon. An IPv6 address of KAFKA_BROKERS goes through it with
 * its colons escaped, and is unescaped where the socket is made.
 */
export function escapeIpv6(broker: string): string {
  const [, address, port] = /^\[(.+)\]:(\d+)$/.exec(broker) ?? [];
  return address === undefined ? broker : `${encodeURIComponent(address)}:${port}`;
}

/** Leaves hosts that brokers advertise as they are: those were never escaped. */
export function withIpv6Unescaped(make: ISocketFactory): ISocketFactory {
  return (options) => make({ ...options, host: decodeURIComponent(options.host) });
}
