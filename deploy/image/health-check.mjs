// The image's HEALTHCHECK: the worker's process answers. A worker without HTTP server is not checked.
const { HTTP_PORT: port = '9464', HTTP_HOST: host = '' } = process.env;
if (port !== 'off') {
  // Listening on every address includes loopback; on one address, only that one answers.
  const address = ['', '0.0.0.0', '::'].includes(host) ? 'localhost' : host;
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}/healthz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
