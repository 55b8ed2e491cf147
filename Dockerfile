# The worker and its commands: docker build -t usage-ledger . && docker run usage-ledger run
FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:22-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY schemas schemas
COPY migrations migrations
USER node
# The heap may grow by half over what is in use before it is collected: without that, the worker takes
# more than 300 MB when a backlog waits.
ENTRYPOINT ["node", "--heap-growing-percent=50", "dist/main.js"]
CMD ["run"]
