# The images of Parakeet. The target parakeet is the server's: code location, webserver, daemon, runs and
# the API are the same image with other commands. parakeet-lambda is AWS Lambda's, for the daily job and
# the API alike; parakeet-k8s is the server's with what launches runs on Kubernetes. `make image image-lambda image-k8s`.
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
    --requirement /build/requirements.txt \
    # other people's tests and C headers: a tenth of the image. numpy's own testing imports its tests
    && find /opt/parakeet/venv/lib -type d -name tests -not -path '*/numpy/*' -prune -exec rm -r {} + \
    && rm -r /opt/parakeet/venv/lib/python3.11/site-packages/pyarrow/include

# The project itself comes last: a change of code leaves the layers above as they are.
FROM packages AS project
COPY deploy/requirements-build.txt /build/
RUN pip install --require-hashes --no-deps --only-binary :all: --requirement /build/requirements-build.txt
COPY pyproject.toml README.md LICENSE /build/
COPY parakeet_api /build/parakeet_api
COPY parakeet_dagster /build/parakeet_dagster
COPY strategy /build/strategy
COPY sql /build/sql
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheels /build \
    && pip --python /opt/parakeet/venv/bin/python install --no-deps --no-index /build/wheels/*.whl

FROM project AS project-lambda
COPY deploy/requirements-lambda.txt /build/
RUN pip --python /opt/parakeet/venv/bin/python install --require-hashes --no-deps --only-binary :all: \
    --requirement /build/requirements-lambda.txt

FROM project AS project-k8s
COPY deploy/requirements-k8s.txt /build/
RUN pip --python /opt/parakeet/venv/bin/python install --require-hashes --no-deps --only-binary :all: \
    --requirement /build/requirements-k8s.txt

# What the images have in common but for the packages: an unprivileged user, the instance files of
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
# In Lambda only /tmp can be written to. The API's functions put their handler in the place of this one.
ENV HOME=/tmp PARAKEET_HOME=/tmp/parakeet
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["parakeet_dagster.serverless.daily_ingest"]

FROM runtime AS parakeet-k8s
COPY --from=project-k8s /opt/parakeet/venv /opt/parakeet/venv
EXPOSE 3000 4000 8000
CMD ["dagster", "api", "grpc", "-m", "parakeet_dagster.definitions", "-h", "0.0.0.0", "-p", "4000"]

# No ENTRYPOINT: Dagster's launchers put a run's command in the place of this one.
FROM runtime AS parakeet
COPY --from=project /opt/parakeet/venv /opt/parakeet/venv
EXPOSE 3000 4000 8000
CMD ["dagster", "api", "grpc", "-m", "parakeet_dagster.definitions", "-h", "0.0.0.0", "-p", "4000"]
