import type { ISocketFactoryArgs } from 'kafkajs';
import { expect, test } from 'vitest';
import { escapeIpv6, withIpv6Unescaped } from '../../src/kafka/ipv6.ts';

test.each([
  ['[::1]:9092', '::1'],
  ['[2001:db8::7]:9092', '2001:db8::7'],
  ['broker.example:9092', 'broker.example'],
  ['127.0.0.1:9092', '127.0.0.1'],
])('%s goes through a client that cuts at the first colon', (broker, expected) => {
  const [host = '', port] = escapeIpv6(broker).split(':');
  let made: string | undefined;
  const factory = withIpv6Unescaped((options: ISocketFactoryArgs) => {
    made = options.host;
    return undefined as never;
  });
  factory({ host, port: Number(port), ssl: {}, onConnect: () => {} } as ISocketFactoryArgs);
  expect([made, port]).toEqual([expected, '9092']);
});
