FROM node:22-slim AS build
WORKDIR /leveret
COPY package.json package-lock.json ./
RUN npm ci --include=dev
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-slim
WORKDIR /leveret
COPY --from=build /leveret/package.json /leveret/LICENSE ./
COPY --from=build /leveret/node_modules ./node_modules
COPY --from=build /leveret/bin ./bin
COPY --from=build /leveret/dist/bundle ./dist/bundle
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
# 5672: every protocol; 5671 (TLS) and 15672 (WebSocket) when they are configured.
EXPOSE 5671 5672 15672
ENTRYPOINT ["node", "bin/leveret.js"]
CMD ["start", "--bind", "0.0.0.0", "--data-dir", "/data"]
