# The app in a container: docker build -t point-llm . && docker run -p 7860:7860 point-llm
# The steps are those of run.sh. A GPU needs `docker run --gpus all`, and PyTorch's CUDA build, which run.sh takes where
# it sees one: build with the NVIDIA runtime as the default, or run ./run.sh --install again inside.
FROM python:3.11-slim-bookworm

WORKDIR /home/user/point-llm
RUN useradd --create-home --uid 1000 user && chown user: .

# System libraries, as root; the rest as an ordinary user, as Spaces run it too.
COPY packages.txt ./
RUN apt-get update \
    && xargs -a packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*

USER user
COPY --chown=user run.sh pyproject.toml requirements.txt packages.txt README.md LICENSE ./
COPY --chown=user scripts/setup.sh scripts/
COPY --chown=user checkpoints checkpoints/
COPY --chown=user pointllm pointllm/
RUN ./run.sh --install

COPY --chown=user app.py ./
COPY --chown=user assets assets/
COPY --chown=user app app/

ENV GRADIO_SERVER_NAME=0.0.0.0
EXPOSE 7860
CMD ["./run.sh"]
