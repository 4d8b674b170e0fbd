#!/bin/sh
# Starts PostgreSQL the way the public image does: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE (required), POSTGRES_USER (default postgres)
# and POSTGRES_DB (default: the user) take effect when the data directory is still empty.
set -eu

if [ "${1:-postgres}" != postgres ]; then
  exec "$@"
fi

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
  POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
fi
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'POSTGRES_PASSWORD must be set' >&2
    exit 1
  fi
  umask 077
  secret=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" > "$secret"
  initdb --username="$user" --pwfile="$secret" --auth-local=trust --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync
  rm "$secret"
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    # Single-user mode: nothing listens before the database is there, so a port that answers means ready.
    printf 'CREATE DATABASE "%s";\n' "$(printf %s "$database" | sed 's/"/""/g')" \
      | postgres --single -j postgres > /dev/null
  fi
fi
unset POSTGRES_PASSWORD

shift $(( $# > 0 ? 1 : 0 ))
exec postgres -c listen_addresses='*' "$@"
