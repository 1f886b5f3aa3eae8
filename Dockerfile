# Build: compiles better-sqlite3 and the sources; nothing of it but the results goes on.
FROM node:22-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev && rm -rf dist/fixtures

FROM node:22-bookworm-slim
ENV NODE_ENV=production MATRICULA_LISTEN=0.0.0.0:8080 MATRICULA_DATABASE=sqlite:/data/matricula.db MATRICULA_TENANTS=/config/tenants
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN mkdir -p /data /config/tenants && chown -R node:node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm, so that SIGTERM reaches the process and requests drain.
CMD ["node", "dist/src/cli.js", "serve"]
