#!/usr/bin/env bash
# For docker-compose.yml: what must be in the volumes before the services start. Running it again changes
# nothing.
set -euo pipefail

secrets=/run/usage-ledger
# Whoever may mount the volume may read them: each service runs as another user.
random() { head --bytes=16 /dev/urandom | od --address-radix=n --format=x1 | tr --delete ' \n'; }
keep() { # file, content
  [ -s "$secrets/$1" ] || { printf '%s' "$2" >"$secrets/$1.new" && mv "$secrets/$1.new" "$secrets/$1"; }
}

keep postgres-password "$(random)"
keep grafana-password "$(random)"
password=$(cat "$secrets/postgres-password")
keep database-url "postgres://postgres:$password@postgres:5432/postgres"
keep database-url.machine "postgres://postgres:$password@127.0.0.1:5432/postgres"
chmod 444 "$secrets"/*

# The user of the registry's image.
chown 1001:0 /registry
