"""A person with a browser, for tests of the review's pages without one."""

from __future__ import annotations

import re
from typing import Any

from fastapi.testclient import TestClient

from helpers.reviewed import PASSWORD
from pipeline.review.web.app import create_app
from pipeline.review.web.app_state import AppState


class Browser:
    """A person with a browser that keeps cookies and sends forms with their token."""

    def __init__(self, app_state: AppState, name: str | None = None) -> None:
        self.client = TestClient(create_app(app_state, hosts=["testserver"]), follow_redirects=False)
        self.token = ""
        if name:
            answer = self.client.post("/login", data={"name": name, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            found = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/me").text)
            assert found
            self.token = found[1]

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, **form: str) -> Any:
        return self.client.post(path, data={"csrf": self.token, **form})

    def post_in_place(self, path: str, **form: str) -> Any:
        """Send a form as htmx does, which puts the answer into the page."""
        return self.client.post(path, data={"csrf": self.token, **form}, headers={"HX-Request": "true"})
