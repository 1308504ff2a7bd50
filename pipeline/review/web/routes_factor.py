"""The second factor of one's own account: enrolling an authenticator app, and the recovery codes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pipeline.errors import ReviewError
from pipeline.review.second_factor import address_of, begin_factor, picture_of, set_factor
from pipeline.review.web.app_state import Acting, AppState, Asking, CurrentAppState, Looking

router = APIRouter()


@router.get("/me/factor")
def factor_page(app_state: CurrentAppState, asking: Looking) -> Response:
    """Show the secret to enrol, or that there is a second factor."""
    return _page(app_state, asking)


@router.post("/me/factor")
def enrol(app_state: CurrentAppState, asking: Acting) -> Response:
    """Set the second factor, and show the recovery codes once."""
    try:
        with app_state.store.writing() as connection:
            codes = set_factor(connection, asking.reader.name, asking.session.digest, asking.text("code"))
    except ReviewError as error:
        return _page(app_state, asking, problem=str(error), status=422)
    app_state.noted()
    return app_state.page("factor.html", asking, codes=codes, picture=None, secret=None, problem=None)


def _page(app_state: AppState, asking: Asking, *, problem: str | None = None, status: int = 200) -> Response:
    picture = secret = None
    if not asking.reader.has_factor:
        with app_state.store.writing() as connection:
            secret = begin_factor(connection, asking.session.digest)
        picture = picture_of(address_of(secret, asking.reader.name))
    return app_state.page("factor.html", asking, status=status, codes=None, picture=picture, secret=secret, problem=problem)
