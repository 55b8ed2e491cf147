/**
 * Loaded before a worker, in every thread of it: connects to the proxy at TORTURE_KAFKA_PROXY in
 * place of the broker, which itself names only its own port.
 */
import net from 'node:net';

const proxyPort = Number(process.env.TORTURE_KAFKA_PROXY ?? 0);
if (proxyPort !== 0) {
  const broker = Number(process.env.KAFKA_BROKERS?.split(':').at(-1));
  const { connect } = net;
  net.connect = (target, onConnect) =>
    connect(target.port === broker ? { ...target, port: proxyPort } : target, onConnect);
}
