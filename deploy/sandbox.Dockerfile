# What tool calls run in: the programs of our tools, and nothing that listens or is root.
#
#   docker build -t carapulse-sandbox -f deploy/sandbox.Dockerfile deploy \
#     --build-arg KUBECTL_SHA256=... --build-arg HELM_SHA256=...
#
# A program comes in only with its checksum, as its maker publishes it beside the file; without one
# it is left out, and sandbox.programs has to say which ones there are. Give BASE with its digest.
ARG BASE=debian:bookworm-20251117-slim

FROM ${BASE} AS fetched
SHELL ["/bin/sh", "-euc"]
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl unzip \
    && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 fetch-program /usr/local/bin/fetch-program
WORKDIR /programs
ARG TARGETARCH=amd64

ARG KUBECTL_VERSION=1.35.2
ARG KUBECTL_SHA256=
RUN fetch-program kubectl "${KUBECTL_SHA256}" \
    "https://dl.k8s.io/release/v${KUBECTL_VERSION}/bin/linux/${TARGETARCH}/kubectl"

ARG HELM_VERSION=4.1.4
ARG HELM_SHA256=
RUN fetch-program helm "${HELM_SHA256}" \
    "https://get.helm.sh/helm-v${HELM_VERSION}-linux-${TARGETARCH}.tar.gz"

ARG ARGOCD_VERSION=3.2.0
ARG ARGOCD_SHA256=
RUN fetch-program argocd "${ARGOCD_SHA256}" \
    "https://github.com/argoproj/argo-cd/releases/download/v${ARGOCD_VERSION}/argocd-linux-${TARGETARCH}"

ARG VAULT_VERSION=1.21.0
ARG VAULT_SHA256=
RUN fetch-program vault "${VAULT_SHA256}" \
    "https://releases.hashicorp.com/vault/${VAULT_VERSION}/vault_${VAULT_VERSION}_linux_${TARGETARCH}.zip"

ARG BOUNDARY_VERSION=0.20.0
ARG BOUNDARY_SHA256=
RUN fetch-program boundary "${BOUNDARY_SHA256}" \
    "https://releases.hashicorp.com/boundary/${BOUNDARY_VERSION}/boundary_${BOUNDARY_VERSION}_linux_${TARGETARCH}.zip"

ARG ALERTMANAGER_VERSION=0.29.0
ARG ALERTMANAGER_SHA256=
RUN fetch-program amtool "${ALERTMANAGER_SHA256}" \
    "https://github.com/prometheus/alertmanager/releases/download/v${ALERTMANAGER_VERSION}/alertmanager-${ALERTMANAGER_VERSION}.linux-${TARGETARCH}.tar.gz"

FROM ${BASE}
SHELL ["/bin/sh", "-euc"]
# python3 is the first process of every container; git, ssh, psql and aws are Debian's.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        awscli ca-certificates git openssh-client postgresql-client python3 \
    && rm -rf /var/lib/apt/lists/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && groupadd --gid 65532 tool \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin tool
COPY --from=fetched /programs/ /usr/local/bin/
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT []
CMD ["python3", "--version"]
