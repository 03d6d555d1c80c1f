#!/bin/bash
# First start of the compose file's Postgres: the portal's two roles, and a database of its own for Keycloak.
# The portal's role cannot change tables and cannot alter the audit log: migrations run as `sallyport_owner`.
set -euo pipefail
secret() { cat "/run/secrets/$1"; }

psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
  --set owner_password="$(secret migration_password)" \
  --set portal_password="$(secret portal_password)" \
  --set keycloak_password="$(secret keycloak_password)" <<'SQL'
create role sallyport_owner login password :'owner_password';
create role sallyport login password :'portal_password';
create role keycloak login password :'keycloak_password';
create database sallyport owner sallyport_owner;
create database keycloak owner keycloak;
revoke connect on database sallyport, keycloak, postgres from public;
grant connect on database sallyport to sallyport;
SQL
