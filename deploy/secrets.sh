#!/bin/sh
# Makes what docker-compose.yml needs beside itself: random secrets in deploy/secrets/ and the engine's group in .env.
# What exists stays as it is, so a second run changes nothing.
set -eu
cd "$(dirname "$0")"

# Others cannot enter the folder; the files in it are readable, because each container mounts its own as its own user.
mkdir -p secrets
chmod 0700 secrets

make() { # name, value
  [ -s "secrets/$1" ] || (umask 022 && printf '%s' "$2" > "secrets/$1")
}
random() { # hexadecimal: safe within URLs, SQL and JSON
  od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

for name in oidc_client_secret web_secret postgres_password portal_password migration_password keycloak_password \
  keycloak_admin_password; do
  make "$name" "$(random 32)"
done
# Typed once by each of the three people, who must then choose their own.
make first_password "$(random 8)"
make master_key "$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
make database_url "postgres://sallyport:$(cat secrets/portal_password)@postgres:5432/sallyport"
make migration_database_url "postgres://sallyport_owner:$(cat secrets/migration_password)@postgres:5432/sallyport"

socket=${DOCKER_SOCKET:-/var/run/docker.sock}
if [ -S "$socket" ] && ! grep -qs '^DOCKER_GID=' ../.env; then
  echo "DOCKER_GID=$(stat -c %g "$socket")" >> ../.env
fi

cat <<TEXT
Secrets are in deploy/secrets/. Next: docker compose up --build --detach
Then open ${SALLYPORT_PUBLIC_URL:-http://localhost:8080} and sign in as ada (administrator), devi (developer) or odo (auditor);
the first password of each: $(cat secrets/first_password)
TEXT
