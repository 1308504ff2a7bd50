# Two images: `--target scoring` (the default, last) and `--target review`. No network at run time, no root, a read-only root file system.
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements/ requirements/
COPY pyproject.toml README.md LICENSE ./
COPY configs/ configs/
COPY models/default/ models/default/
COPY data/practice/ data/practice/
COPY evaluation/ evaluation/
COPY pipeline/ pipeline/

FROM build AS build-scoring
RUN python -m venv /opt/safelight \
 && /opt/safelight/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/scoring.lock \
 && /opt/safelight/bin/python -m pip install --quiet --no-deps --no-build-isolation . \
 && /opt/safelight/bin/python -m pip uninstall --quiet --yes pip

FROM build AS build-review
RUN python -m venv /opt/safelight \
 && /opt/safelight/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/review.lock \
 && /opt/safelight/bin/python -m pip install --quiet --no-deps --no-build-isolation . \
 && /opt/safelight/bin/python -m pip uninstall --quiet --yes pip

FROM python:3.12-slim-bookworm AS run
ENV PATH=/opt/safelight/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
WORKDIR /data
ENTRYPOINT ["safelight"]
CMD ["--help"]

FROM run AS review
COPY --from=build-review /opt/safelight /opt/safelight
USER 10001:10001
EXPOSE 8440

FROM run AS scoring
COPY --from=build-scoring /opt/safelight /opt/safelight
USER 10001:10001
