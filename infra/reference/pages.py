"""All pages of docs/reference."""

from __future__ import annotations

from infra.reference.api import api
from infra.reference.cli import cli
from infra.reference.events import domain_events, event_types
from infra.reference.ruleset import ruleset
from infra.reference.settings import settings
from infra.settings import ROOT

FOLDER = ROOT / "docs" / "reference"


def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    return {
        "api.md": api(),
        "cli.md": cli(),
        "domain-events.md": domain_events(),
        "event-types.md": event_types(),
        "ruleset.md": ruleset(),
        "settings.md": settings(),
    }
