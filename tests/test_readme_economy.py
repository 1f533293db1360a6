"""README's chapter about the economy: each section's requests are made in order, and answered as it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.progress.create_key import create_key
from chalicelib.settings import RULESETS
from chalicelib.store.identity import keys
from chalicelib.store.ledger.double_entry import post_transfer
from tests.api.http import request
from tests.cli.conftest import Deployment
from tests.pipeline import plant as plants
from tests.test_readme import ECONOMY, URL, curl

STEPS = re.compile(r"^```sh\n(curl [^\n]*)\n```\n(?:\n```json\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
STORIES = {
    title: [(line, answer) for line, answer in STEPS.findall(text)]
    for title, _, text in (section.partition("\n") for section in ECONOMY.split("\n### "))
}
# What is another one each time: ids, codes, tokens, moments. What stands for it in README is taken for it from then on.
MADE = re.compile(
    r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{37}|[A-Z2-9]{4}-[A-Z2-9]{4,5}|[A-Za-z0-9_-]{43}|\d{4}-\d\d-\d\dT[\d:.]+Z"
)
FUNDS = {"tokens": 200, "coins": 500}


@pytest.fixture
def laurel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    made = Deployment(plants.build(5, chosen=plants.rules(RULESETS / "default.toml")))
    monkeypatch.setattr(wiring, "context", lambda: made.context)
    yield made
    made.world.close()


@pytest.mark.parametrize("title", [title for title, steps in STORIES.items() if steps])
def test_its_stories(laurel: Deployment, title: str) -> None:
    """Ada, an admin, has 200 tokens and 500 coins, Bob nothing; both go by a name."""
    api_keys = {"$LAUREL_KEY": create_key(laurel.context, "ada", ["admin"]).key}
    api_keys["$BOB_KEY"] = create_key(laurel.context, "bob", []).key
    for player in ("ada", "bob"):
        goes_by(laurel, player, player.capitalize())
    fund(laurel)
    known: dict[str, str] = {}
    for line, answer in STORIES[title]:
        laurel.world.sleep(1)
        for name, value in {**api_keys, "$LAUREL_API_URL": URL, **known}.items():
            line = line.replace(name, value)
        call = curl(line)
        body = None if call["body"] is None else json.loads(call["body"])
        found = request(call["method"], call["path"], key=call["headers"].get("x-api-key", ""), body=body)
        assert found.status < 500, found
        if answer:
            assert same(json.loads(answer), found.json, known), found.text


LINK = """
globalThis.location = { hash: process.argv[2], pathname: "/join" };
globalThis.history = { replaceState: (...to) => console.log("at", to[2]) };
globalThis.fetch = async (url, { headers, body }) => {
  console.log(url, headers["X-API-Key"], body);
  return { status: Number(process.argv[3]), json: async () => ({ told: true }) };
};
console.log(JSON.stringify(await redeemInvite("http://api", "k")));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
@pytest.mark.parametrize(
    ("hash_", "status", "told"),
    [
        ("", 200, ["null"]),
        (
            "#invite=a-b_c",
            200,
            ['http://api/api/gamification/invite/redeem k {"token":"a-b_c"}', "at /join", '{"told":true}'],
        ),
        ("#invite=a", 503, ['http://api/api/gamification/invite/redeem k {"token":"a"}', '{"told":true}']),
    ],
)
def test_the_page_of_an_invites_link(tmp_path: Path, hash_: str, status: int, told: list[str]) -> None:
    (snippet,) = re.findall(r"^```js\n(.*?)^```$", ECONOMY, re.MULTILINE | re.DOTALL)
    (tmp_path / "join.mjs").write_text(snippet + LINK)
    ran = subprocess.run(
        ["node", "join.mjs", hash_, str(status)], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.stdout.splitlines(), ran.stderr) == (told, "")


def same(told: Any, found: Any, known: dict[str, str]) -> bool:
    """Whether an answer is what README tells, names of what is made anew apart; they are added to `known`."""
    if isinstance(told, dict) and isinstance(found, dict):
        return list(told) == list(found) and all(same(told[name], found[name], known) for name in told)
    if isinstance(told, list) and isinstance(found, list):
        return len(told) == len(found) and all(same(*pair, known) for pair in zip(told, found, strict=True))
    if isinstance(told, str) and isinstance(found, str) and MADE.fullmatch(told) and MADE.fullmatch(found):
        return known.setdefault(told, found) == found or told.endswith("Z")
    return bool(told == found and type(told) is type(found))


def fund(laurel: Deployment) -> None:
    owner, now_ms = find_owner(laurel.context, "ada"), laurel.world.now_ms()
    for asset, amount in FUNDS.items():
        made = transfer_id(now_ms, owner.public, asset)
        transfer = Transfer(made, asset, MINT, owner.account, amount, "grant", now_ms, {"reason": "Welcome"})
        tx = laurel.context.table.transaction()
        post_transfer(tx, transfer, "test")
        tx.commit()


def goes_by(laurel: Deployment, player: str, name: str) -> None:
    table = laurel.context.table
    item = table.get(keys.player(player, keys.IDENTITY))
    assert item
    table.put(item | {"display_name": {"S": name}})
