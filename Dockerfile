# The worker and the other commands:
#   docker build --tag usage-ledger:0.1.0 .
#   docker run --rm usage-ledger:0.1.0 --help
FROM node:24.21.0-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the workspaces: the Node emitter is for agents, not for the image.
RUN npm ci --workspaces=false --omit=dev --ignore-scripts

FROM node:24.21.0-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --workspaces=false --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/prepare.mjs scripts/
COPY src src
# Maps would point to sources that are not in the image.
RUN node scripts/prepare.mjs && find dist -name '*.map' -delete -o -name '*.d.ts' -delete

FROM node:24.21.0-slim
WORKDIR /app
# By default the worker listens on loopback, where no probe from outside a container reaches it. kafkajs sets
# timers into the past, of which Node 24 warns on standard error; it runs them at once, as before.
ENV NODE_ENV=production \
    NODE_OPTIONS=--disable-warning=TimeoutNegativeWarning \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=9464
COPY LICENSE package.json ./
COPY deploy/image/health-check.mjs ./
COPY schemas schemas
COPY migrations migrations
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# By number, so that Kubernetes can check that it is not root; any other works as well, since nothing is
# written to the file system.
USER 1000:1000
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "health-check.mjs"]
# No init is needed: the process starts no others, and as process 1 it handles SIGTERM and SIGINT itself.
# docs/performance.md says what each flag is for: without them, the worker takes 400 MB when a backlog waits.
ENTRYPOINT ["node", "--heap-growing-percent=70", "--max-semi-space-size=4", "--no-parallel-scavenge", "--v8-pool-size=1", "dist/main.js"]
CMD ["run"]
# Last, since the revision changes with every build.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="usage-ledger" \
      org.opencontainers.image.description="Exact metering of LiveKit agent metrics: from Kafka to billable rows in Postgres" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/node:24.21.0-slim"
