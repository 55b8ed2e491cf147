# shellcheck shell=bash
# A Docker engine and Docker Compose, for prove.sh: what is here, or Debian's engine, started for the proof,
# and Compose built from its Go module.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/usage-ledger
COMPOSE_VERSION=v2.40.3
engine_folder=

need() { # command, Debian package
  command -v "$1" >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null
}

start_engine() {
  docker version >/dev/null 2>&1 && return
  need dockerd docker.io
  engine_folder=$(mktemp -d)
  export DOCKER_HOST=unix://$engine_folder/docker.sock
  # It takes overlay2 where the file system has it, else vfs, which is slow.
  dockerd --host "$DOCKER_HOST" --data-root "$engine_folder/data" \
    --exec-root "$engine_folder/exec" --pidfile "$engine_folder/pid" >"$engine_folder/log" 2>&1 &
  for _ in $(seq 60); do
    docker version >/dev/null 2>&1 && return
    sleep 1
  done
  tail -5 "$engine_folder/log" >&2
  return 1
}

stop_engine() {
  [ -n "$engine_folder" ] || return 0
  kill "$(cat "$engine_folder/pid")"
  tail --pid="$(cat "$engine_folder/pid")" -f /dev/null
  # What the engine leaves mounted.
  umount "$engine_folder/exec/netns/default" 2>/dev/null || true
  rm -rf "$engine_folder"
}

# Sets `compose`, a command.
find_compose() {
  compose=(docker compose)
  docker compose version >/dev/null 2>&1 && return
  compose=("$cache/docker-compose-$COMPOSE_VERSION")
  [ -x "${compose[0]}" ] && return
  local module=github.com/docker/compose/v2 folder
  folder=$(mktemp -d)
  (
    cd "$folder"
    # As a tool of an empty module: `go install` refuses what excludes other modules.
    go mod init proof
    go get -tool "$module/cmd@$COMPOSE_VERSION"
    go build -trimpath -ldflags "-s -w -X $module/internal.Version=$COMPOSE_VERSION" -o compose "$module/cmd"
  ) >"$folder/log" 2>&1 || { tail -5 "$folder/log" >&2 && return 1; }
  mkdir -p "$cache"
  mv "$folder/compose" "${compose[0]}"
  rm -rf "$folder"
}
