# Gateway, subgraphs and sandbox from one image: which of them runs is the container's command (docker-compose.yml).
FROM node:24-bookworm-slim
WORKDIR /kilde
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY schema schema
COPY subgraphs subgraphs
COPY gateway gateway
COPY sandbox sandbox
COPY examples examples
RUN node gateway/explorer/build.ts && mkdir -p .kilde/checkpoints && chown -R node:node .kilde
USER node
ENV NODE_ENV=production
CMD ["node", "gateway/main.ts"]
