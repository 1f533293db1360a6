"""Writes the API's description as files, which the Lambda serves."""

from __future__ import annotations

from pathlib import Path

from chalicelib.api.operations.docs import DOCUMENT, PAGE
from infra.openapi.document import document_json
from infra.openapi.page import page


def write(folder: Path) -> None:
    """Write the document and the page into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DOCUMENT).write_text(document_json(), "utf-8")
    (folder / PAGE).write_text(page(), "utf-8")
