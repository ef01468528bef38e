# One image for every process of the server; docker-compose.yml says which command makes it which.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=inngest_server.settings
WORKDIR /server

COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt
COPY manage.py setup.py pyproject.toml MANIFEST.in README.md ./
COPY inngest_server inngest_server
COPY apps apps
COPY drivers drivers
# The command `inngest`, from these folders.
RUN pip install --no-cache-dir --no-deps --editable .

RUN useradd --system --home-dir /server server
USER server
EXPOSE 8288
CMD ["granian", "--interface", "asgi", "--host", "0.0.0.0", "--port", "8288", "--workers", "1", "inngest_server.asgi:application"]
