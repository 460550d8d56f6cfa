# splitsr in a container: batches of images, and the ZoomSR app.
#
#   docker build -t splitsr .
#   docker run --rm -v "$PWD:/images" splitsr upscale . -o larger --recursive
#   docker run --rm -p 8017:8017 splitsr zoom --host 0.0.0.0
FROM node:22-bookworm-slim AS wheel
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip python3-venv
WORKDIR /source
COPY . .
RUN python3 -m venv /build && \
    SPLITSR_APP=require /build/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim-bookworm
COPY --from=wheel /wheels /wheels
COPY constraints.txt /wheels/
RUN pip install --no-cache-dir -c /wheels/constraints.txt /wheels/*.whl && rm -r /wheels
RUN useradd --create-home splitsr
USER splitsr
WORKDIR /images
EXPOSE 8017
ENTRYPOINT ["splitsr"]
CMD ["--help"]
