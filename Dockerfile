# The relay alone on a small Debian: docker build -t llm-relay . && docker run -p 11434:11434 -v llm-relay:/data llm-relay

FROM rust:1.95-bookworm AS builder
WORKDIR /source
COPY . .
RUN cargo build --release --locked --bin llm-relay

FROM debian:bookworm-slim
# Certificates, to reach providers; curl, for the health check.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home relay
COPY --from=builder /source/target/release/llm-relay /usr/local/bin/llm-relay

USER relay
WORKDIR /data
VOLUME /data
# Not loopback, or nothing could reach it from outside the container; so callers need a key unless AUTH_MODE says
# otherwise, and the first start makes one and prints it.
ENV HOST=0.0.0.0 ADMIN_HOST=0.0.0.0 DATA_DIR=/data
EXPOSE 11434 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s \
    CMD curl --silent --fail --output /dev/null "http://127.0.0.1:${PORT:-11434}/health"
ENTRYPOINT ["llm-relay"]
CMD ["serve"]
