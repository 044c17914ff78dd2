# The images of Parakeet. `make image` builds the server's: code location, webserver, daemon and runs
# are the same image with other commands. `make image-lambda` builds the one for AWS Lambda.
#
# The base is pinned by its exact tag. A digest is stricter, and cannot be known offline: take the one
# that `docker buildx imagetools inspect python:3.11.14-slim-bookworm` prints, and write it behind the tag.
ARG BASE=python:3.11.14-slim-bookworm

# What is locked goes into a virtual environment: wheels only, each with its hash, so nothing is
# compiled and no compiler is needed. pip itself stays outside of it.
# hadolint ignore=DL3006
FROM ${BASE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/parakeet/venv
COPY deploy/requirements.txt /build/
RUN pip --python /opt/parakeet/venv/bin/python install --require-hashes --no-deps --only-binary :all: \
    --requirement /build/requirements.txt

# The project itself comes last: a change of code leaves the layers above as they are.
FROM packages AS project
COPY deploy/requirements-build.txt /build/
RUN pip install --require-hashes --no-deps --only-binary :all: --requirement /build/requirements-build.txt
COPY pyproject.toml README.md LICENSE /build/
COPY parakeet_dagster /build/parakeet_dagster
COPY strategy /build/strategy
COPY sql /build/sql
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheels /build \
    && pip --python /opt/parakeet/venv/bin/python install --no-deps --no-index /build/wheels/*.whl

FROM project AS project-lambda
COPY deploy/requirements-lambda.txt /build/
RUN pip --python /opt/parakeet/venv/bin/python install --require-hashes --no-deps --only-binary :all: \
    --requirement /build/requirements-lambda.txt

# What both images have in common but for the packages: an unprivileged user, the instance files of
# Dagster, and no tool that installs or builds anything.
# hadolint ignore=DL3006
FROM ${BASE} AS runtime
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip setuptools wheel \
    && useradd --uid 1000 --user-group --no-create-home --home-dir /var/lib/parakeet --shell /usr/sbin/nologin parakeet \
    && install --directory --owner=parakeet --group=parakeet /var/lib/parakeet
WORKDIR /opt/parakeet
COPY deploy/workspace.yaml ./
COPY deploy/dagster.yaml dagster/
COPY deploy/ecs/dagster.yaml ecs/
ENV PATH=/opt/parakeet/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/parakeet \
    PARAKEET_HOME=/var/lib/parakeet \
    PARAKEET_CODE_HOST=localhost \
    DAGSTER_HOME=/opt/parakeet/dagster \
    DAGSTER_EVENT_BATCH_SIZE=1000
USER 1000:1000

FROM runtime AS parakeet-lambda
COPY --from=project-lambda /opt/parakeet/venv /opt/parakeet/venv
# In Lambda only /tmp can be written to.
ENV HOME=/tmp PARAKEET_HOME=/tmp/parakeet
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["parakeet_dagster.serverless.daily_ingest"]

# The entry passes its arguments on: Dagster's launchers replace the command, and it stays. See
# parakeet_dagster/container.py.
FROM runtime AS parakeet
COPY --from=project /opt/parakeet/venv /opt/parakeet/venv
EXPOSE 3000 4000
ENTRYPOINT ["python", "-m", "parakeet_dagster.container"]
CMD ["dagster", "api", "grpc", "-m", "parakeet_dagster.definitions", "-h", "0.0.0.0", "-p", "4000"]
