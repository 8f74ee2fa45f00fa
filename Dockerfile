# One image for every server: what a container is, its command says.
FROM python:3.13-slim AS build
# Where pip looks. Read by pip as environment variables; they stay in this stage, so the image does not remember them.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/authlab
WORKDIR /build
# The dependencies first, from their lock alone: a changed source file does not install them again.
COPY requirements.lock ./
RUN /opt/authlab/bin/pip install --only-binary :all: --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/authlab/bin/pip install --no-deps . \
 && cp -r bench/results /opt/authlab/results

# What the benchmark needs beyond the servers: its plots, and a Redis that it starts itself.
FROM build AS build-bench
RUN /opt/authlab/bin/pip install --only-binary :all: '.[bench]'

FROM python:3.13-slim AS system
ENV PATH=/opt/authlab/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
# A fresh volume takes over the owner of the directory that it is mounted on, so these belong to the one who writes there.
RUN for directory in /secrets/auth /secrets/auth-public /secrets/audiences /secrets/lab /out; do \
      install --directory --owner 10001 --group 10001 --mode 700 "$directory"; \
    done
USER 10001:10001
WORKDIR /tmp
ENV HOST=0.0.0.0

FROM system AS bench
USER root
RUN apt-get update \
 && apt-get install --yes --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/*
USER 10001:10001
COPY --from=build-bench /opt/authlab /opt/authlab

# The last stage is the one that is built when none is named.
FROM system AS servers
COPY --from=build /opt/authlab /opt/authlab
