#!/bin/sh
# `autosetup`: brings the schema of POSTGRES_SEEDS up to this version, starts the server, and makes the namespace `default`.
set -eu

export BIND_ON_IP="${BIND_ON_IP:-0.0.0.0}"
export TEMPORAL_BROADCAST_ADDRESS="${TEMPORAL_BROADCAST_ADDRESS:-$(hostname -i | cut -d ' ' -f 1)}"
export DYNAMIC_CONFIG_FILE_PATH=/etc/temporal/config/dynamicconfig/docker.yaml

schema() {
  export SQL_PASSWORD="$POSTGRES_PWD"
  tool="temporal-sql-tool --plugin postgres12 --ep $POSTGRES_SEEDS -p ${DB_PORT:-5432} -u $POSTGRES_USER --db $1"
  # The first two say nothing new to a database that is there already.
  $tool create || true
  $tool setup-schema -v 0.0 || true
  $tool update-schema --schema-name "postgresql/v12/$2"
}

namespace() {
  until temporal operator cluster health --address 127.0.0.1:7233 >/dev/null 2>&1; do sleep 1; done
  temporal operator namespace describe default --address 127.0.0.1:7233 >/dev/null 2>&1 \
    || temporal operator namespace create default --retention 72h --address 127.0.0.1:7233
}

if [ "${1:-}" = autosetup ]; then
  schema temporal temporal
  schema temporal_visibility visibility
  namespace &
fi
exec temporal-server --root /etc/temporal --env docker start
