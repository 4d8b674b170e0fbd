# For a platform that the engine doesn't run: nothing is run in it, and what is the same on every platform comes from the engine's own base image.
ARG BUILD_PLATFORM
ARG BASE
ARG DEBIAN
ARG OPENTOFU
ARG ENTRYPOINT

FROM --platform=${BUILD_PLATFORM} ${BASE} AS base
FROM ${OPENTOFU} AS opentofu
FROM ${ENTRYPOINT} AS entrypoint

FROM ${DEBIAN}
COPY --from=base /etc/passwd /etc/group /etc/
COPY --from=base /etc/ssl /etc/ssl
COPY --from=base /usr/share/ca-certificates /usr/share/ca-certificates
COPY --from=base --chown=10001:10001 /workspace /workspace
COPY --from=base /module /module
COPY --from=opentofu /usr/local/bin/tofu /usr/local/bin/tofu
COPY --from=entrypoint /cldctl-entrypoint /cldctl-entrypoint
ENV TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1
USER 10001:10001
WORKDIR /module
ENTRYPOINT ["/cldctl-entrypoint"]
LABEL dev.cldctl.engine="opentofu"
