"""Assets of the ruleset, as requests name them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.domain.core.errors import ConflictingState, InvalidRequest
from chalicelib.domain.core.sentences import not_one_of
from chalicelib.services.context import Context

AssetName = Annotated[
    str, Meta(max_length=64, description="An asset of the ruleset. Default: the one that players can send.")
]


def transferable(context: Context) -> str:
    """Return the asset that players send: the first transferable one of the ruleset. Raises ConflictingState."""
    found = next((name for name, asset in context.rules.ruleset.assets.items() if asset.transferable), None)
    if found is None:
        raise ConflictingState("This ruleset has no transferable asset.", code="not_transferable")
    return found


def known_asset(context: Context, asset: str | None) -> str:
    """Return an asset of the ruleset, by default the one that players send. Raises InvalidRequest."""
    if asset is None:
        return transferable(context)
    known = list(context.rules.ruleset.assets)
    if asset not in known:
        raise InvalidRequest(not_one_of("asset", asset, known), parameter="asset", allowed=known)
    return asset
