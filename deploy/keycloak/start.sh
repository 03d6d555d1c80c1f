#!/bin/bash
# Keycloak's start in the compose file: secrets become the variables that Keycloak and its realm file read.
set -euo pipefail
export KC_DB_PASSWORD KC_BOOTSTRAP_ADMIN_USERNAME KC_BOOTSTRAP_ADMIN_PASSWORD SALLYPORT_CLIENT_SECRET FIRST_PASSWORD
KC_DB_PASSWORD=$(< /run/secrets/keycloak_password)
KC_BOOTSTRAP_ADMIN_USERNAME=admin
KC_BOOTSTRAP_ADMIN_PASSWORD=$(< /run/secrets/keycloak_admin_password)
SALLYPORT_CLIENT_SECRET=$(< /run/secrets/oidc_client_secret)
FIRST_PASSWORD=$(< /run/secrets/first_password)
exec /opt/keycloak/bin/kc.sh "$@"
