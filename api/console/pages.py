"""The status page at ``/``."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, select_autoescape

from api.dependencies import AllDoors
from api.health import readiness

router = APIRouter(include_in_schema=False)

_TEMPLATES = Environment(loader=PackageLoader("api.console"), autoescape=select_autoescape())


@router.get("/", response_class=HTMLResponse)
def status_page(request: Request, parts: AllDoors) -> HTMLResponse:
    """Say whether the service can do its work, and where its documentation is."""
    page = _TEMPLATES.get_template("status.html")
    return HTMLResponse(page.render(version=request.app.version, readiness=readiness(parts)))
