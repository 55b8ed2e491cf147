#!/usr/bin/env bash
# What the image does at its start, as far as it is used here: a cluster is made with the password of
# POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE where there is none, and the server runs as postgres.
set -euo pipefail
if [ "$1" != postgres ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
  install --directory --owner postgres --group postgres --mode 0700 "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:?or POSTGRES_PASSWORD must be set}")}
  initdb --username=postgres --pwfile=<(printf '%s' "$password") --auth-local=trust --auth-host=scram-sha-256
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
fi
shift
unset POSTGRES_PASSWORD
exec postgres -c 'listen_addresses=*' -c unix_socket_directories=/var/run/postgresql "$@"
