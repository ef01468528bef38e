"""`python -m tests.sdk.python_app.serve fastapi|flask|django [functions]`: the app, on the port in $PORT.

`functions` names another module of this folder, whose `client` and `functions` are served.
"""

import importlib
import os
import sys
from typing import Any

from tests.sdk.python_app.record import record_calls, record_calls_sync

HOST = "127.0.0.1"


def serve_fastapi(module: Any, port: int) -> None:
    import fastapi
    import inngest.fast_api
    import uvicorn

    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, module.client, module.functions)
    uvicorn.run(record_calls(app), host=HOST, port=port, log_level="warning", access_log=False)


def serve_flask(module: Any, port: int) -> None:
    import flask
    import inngest.flask
    from werkzeug.serving import make_server

    app = flask.Flask("app")
    inngest.flask.serve(app, module.client, module.functions)
    make_server(HOST, port, record_calls_sync(app.wsgi_app), threaded=True).serve_forever()


def serve_django(module: Any, port: int) -> None:
    import django
    import inngest.django
    from django.conf import settings
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    urls = sys.modules[__name__]
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="app", LOGGING_CONFIG=None)
    django.setup()
    urls.urlpatterns = [inngest.django.serve(module.client, module.functions)]  # type: ignore[attr-defined]
    server = ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(record_calls_sync(get_wsgi_application()))
    server.serve_forever()


def main() -> None:
    framework, *rest = sys.argv[1:]
    name = rest[0] if rest else "functions" if framework == "fastapi" else "sync_functions"
    module = importlib.import_module(f"tests.sdk.python_app.{name}")
    {"fastapi": serve_fastapi, "flask": serve_flask, "django": serve_django}[framework](module, int(os.environ["PORT"]))


if __name__ == "__main__":
    main()
