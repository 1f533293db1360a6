"""The output of `make run`, read over HTTP with a key, as a frontend would."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import click

TIMEOUT_S = 30.0
PAGE = 200
SHOWN = 10
PODIUM = 3
READERS = 4


class Refused(RuntimeError):
    """The API refused a request. The message quotes the response."""


class Api:
    """The HTTP API with one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON of a path. Raises Refused."""
        return json.loads(self.text(path, **parameters))

    def text(self, path: str, **parameters: Any) -> str:
        query = f"?{urlencode(parameters)}" if parameters else ""
        request = Request(self.url + path + query, headers={"X-API-Key": self.key})
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:
                found: str = answer.read().decode()
                return found
        except HTTPError as error:
            raise Refused(f"GET {path}{query}: {error.code}: {error.read(500).decode(errors='replace')}") from error
        except (URLError, OSError) as error:
            raise Refused(f"GET {path}{query}: {error}") from error

    def board(self, scope: str, period: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the entries of a board, best first: the first `limit`, or all."""
        named = {"period": period} if period else {}
        entries: list[dict[str, Any]] = []
        while True:
            size = min(PAGE, limit - len(entries)) if limit else PAGE
            page = self.get("/api/gamification/leaderboard", scope=scope, limit=size, offset=len(entries), **named)
            entries += page["entries"]
            if len(page["entries"]) < size or len(entries) in (limit, page["total"]):
                return entries

    def rank(self, scope: str) -> dict[str, Any]:
        """Return the rank of the key's player, with neighbours."""
        found: dict[str, Any] = self.get("/api/gamification/rank", scope=scope)
        return found

    def profile(self, player: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/api/gamification/players/{quote(player, safe='')}")
        return found


def show(api: Api, expected: Mapping[str, int]) -> list[str]:
    """Print a board, a rank, a profile, URLs and commands to try; return a sentence for each missing result."""
    problems = []
    total = sum(entry["score"] for entry in api.board("global"))
    if total <= 0:
        problems.append("the all-time board is empty")
    applied = _applied(api, expected)
    sent = sum(expected.values())
    if applied < sent:
        problems.append(f"{applied:,} of {sent:,} events were applied")
    click.echo(f"{applied:,} events of {len(expected)} players applied, {total:,} XP in total\n")
    week, entries = _week(api)
    if not entries:
        return [*problems, "the weekly board is empty"]
    click.secho(f"Weekly board, {week}", bold=True)
    _show_entries(entries)
    _show_yesterday(api)
    problems += _show_rank(api.rank("global"))
    _show_profile(api.profile(entries[0]["apiKeyId"]))
    return problems + _show_commands(api, entries[0]["apiKeyId"])


def _applied(api: Api, expected: Mapping[str, int]) -> int:
    """Return how many of the sample's events the players' own stats contain. A player may have sent more since."""
    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(expected, pool.map(lambda player: _requests(api, player), expected), strict=True))
    return (Counter(expected) & Counter(found)).total()


def _requests(api: Api, player: str) -> int:
    try:
        return int(api.profile(player)["stats"]["requests"])
    except Refused:
        return 0


def _week(api: Api) -> tuple[str, list[dict[str, Any]]]:
    """Return the current week's board; early in a week, while it is empty, that of the previous week."""
    today = datetime.now(UTC).date()
    for day in (today, today - timedelta(days=7)):
        week = _week_name(day)
        if entries := api.board("weekly", week, SHOWN):
            return week, entries
    return _week_name(today), []


def _week_name(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def _show_entries(entries: list[dict[str, Any]]) -> None:
    click.echo(f"  {'rank':>4}  {'player':<16} {'shown as':<16} {'XP':>7} {'level':>5}  title")
    for entry in entries:
        click.echo(
            f"{'>' if entry.get('you') else ' ':>2}{entry['rank']:>4}  {entry['apiKeyId'][:16]:<16} "
            f"{entry['displayName'][:16]:<16} {entry['score']:>7,} {entry['level']:>5}  {entry['title']}"
        )


def _show_yesterday(api: Api) -> None:
    """Print the first places of a daily board that takes no more events, if a player sent an event that day."""
    day = _yesterday()
    if entries := api.board("daily", day, PODIUM):
        click.secho(f"\nDaily board of yesterday, {day}", bold=True)
        _show_entries(entries)


def _yesterday() -> str:
    return (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


def _show_rank(found: dict[str, Any]) -> list[str]:
    """Print the key's own player among the neighbours."""
    if found["rank"] is None:
        return ["the key's player is not on the all-time board"]
    missing = found["pointsToNext"]
    ahead = f", {missing:,} XP to the next rank" if missing else ""
    better = f"better than {found['percentile'] / 100:.2f} %"
    click.secho(f"\nAll-time: rank {found['rank']:,} of {found['total']:,}, {better}{ahead}", bold=True)
    _show_entries(found["neighbours"])
    return []


def _show_profile(profile: dict[str, Any]) -> None:
    stats, streak = profile["stats"], profile["streak"]
    next_level = f", {profile['xpToNext']:,} to the next" if profile["xpToNext"] is not None else ""
    lines = {
        "level": f"{profile['level']} {profile['title']} ({profile['xp']:,} XP{next_level})",
        "streak": f"{streak['current']} days (longest {streak['longest']})",
        "badges": f"{profile['badgeCount']}",
        "balance": f"{profile.get('tokens', 0):,} tokens, {profile.get('coins', 0):,} coins",
        "requests": f"{stats['requests']:,} with {stats['models']} models of {stats['providers']} providers",
        "tokens used": f"{stats['tokensIn']:,} in, {stats['tokensOut']:,} out, {stats['tokensSaved']:,} saved",
    }
    click.secho(f"\n{profile['id']}", bold=True)
    for name, line in lines.items():
        click.echo(f"  {name:<12} {line}")


def _show_commands(api: Api, player: str) -> list[str]:
    problems = []
    for path in ("/docs", "/openapi.json"):
        try:
            api.text(path)
        except Refused as refusal:
            problems.append(str(refusal))
    base, header = f"{api.url}/api/gamification", f"X-API-Key: {api.key}"
    event = json.dumps({"type": "request.completed", "apiKeyId": player, "metadata": {"model": "tried-by-hand"}})
    click.secho("\nWhere", bold=True)
    click.echo(f"  API   {base}\n  docs  {api.url}/docs\n  key   {api.key}")
    click.secho("\nTry", bold=True)
    for words in (
        ["curl", "-s", f"{base}/leaderboard?scope=weekly&limit=5"],
        ["curl", "-s", "-H", header, f"{base}/rank?scope=weekly"],
        ["curl", "-s", "-H", header, f"{base}/players/{player}"],
        ["curl", "-s", "-H", header, "-H", "Content-Type: application/json", "-d", event, f"{base}/events"],
    ):
        click.echo(f"  {shlex.join(words)}")
    return problems
