"""`/api/docs`: the REST API for people to read and to try. It tells of the code alone, so no token is asked for.

Everything comes from this server, so the page works offline: Swagger UI from its package, the rest from `docs_page`.
whitenoise knows these few files and no others, and is asked for them only here: other requests pay nothing.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from whitenoise.base import WhiteNoise  # type: ignore[import-untyped]

_PAGE = Path(__file__).with_name("docs_page")
_OWN = ("start.js", "look.css")
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    page = (_PAGE / "index.html").read_bytes()
    return HttpResponse(page, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})


@require_safe
def docs_file(request: HttpRequest, name: str) -> HttpResponse:
    """One of the page's own files; 304 if the browser has it as it is."""
    known = _files().files.get(name)
    if known is None:
        raise Http404
    answer = known.get_response(request.method, request.META)
    content = b""
    if answer.file is not None:
        with answer.file:
            content = answer.file.read()
    return HttpResponse(content, status=answer.status, headers=dict(answer.headers))


@cache
def _files() -> WhiteNoise:
    """By name. Asked for anew each time, as the next release has other files by the same names."""
    files = WhiteNoise(None, max_age=0, allow_all_origins=False)
    for folder, names in ((_PAGE, _OWN), (_swagger_ui(), _SWAGGER_UI)):
        for name in names:
            files.add_file_to_dictionary(name, str(folder / name))
    return files


def _swagger_ui() -> Path:
    package = find_spec("drf_spectacular_sidecar")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
