# A static binary and nothing else: no shell, no package manager, no root.
#
#   docker build -t imapilot .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -v ./imapilot.yaml:/etc/imapilot/imapilot.yaml:ro -v imapilot-data:/data imapilot run
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The same flags as "make build"; timetzdata brings the time zones.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags timetzdata -ldflags '-s -w' -o /out/imapilot ./cmd/imapilot \
 && mkdir -p /out/data && chown 65532:65532 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/imapilot /usr/local/bin/imapilot
COPY --from=build --chown=65532:65532 /out/data /data
ENV PATH=/usr/local/bin STATE_DIRECTORY=/data IMAPILOT_CONFIG=/etc/imapilot/imapilot.yaml
USER 65532:65532
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=2 CMD ["imapilot", "status", "--check"]
ENTRYPOINT ["imapilot"]
CMD ["run"]
