"""The commits of a run played through the model, one after the other; then every answer looked for in it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.api.statuses import STATUSES
from chalicelib.domain.core.errors import ErrorKind
from tests.economy.books import account_of
from tests.economy.history import Asked, Commit, place
from tests.economy.model import Answer, Request
from tests.economy.model_invites import MOST_FAILED, Economy
from tests.economy.spelling import difference
from tests.economy.traffic import ADMIN, Stage

# Where what is kept under a key stands in the answer, if it is not the answer itself.
KEPT = {
    "transfer": lambda kept: {"transfer": {"id": kept["id"]}, "balance": kept["balance"]},
    "grant": lambda kept: {"transfer": {"id": kept["id"]}, "balance": kept["balance"]},
    "redeem": lambda kept: {
        "redemption": {name: kept[name] for name in ("id", "cost", "status")},
        "balance": kept["balance"],
    },
}
# What a request without a key writes when it does what it is for.
EFFECTS = {
    "post": ("HOLD#", "DONE#"),
    "void": ("HOLD#", "DONE#"),
    "correct": ("CORRECTED#", ""),
    "fulfil": ("REDEMPTION#", ""),
    "cancel": ("REDEMPTION#", ""),
    "refund": ("REDEMPTION#", ""),
    "put": ("REWARD#", "REWARD"),
    "retire": ("REWARD#", "REWARD"),
    "invite": ("INVITE#", ""),
    "rotate": ("INVITE#", ""),
    "revoke": ("INVITE#", ""),
    "accept": ("REFERRAL#", ""),
}


class Replay:
    """`findings`: what was not as the model has it. `states`: the model after each commit, the first before all."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.names = stage, stage.names
        self.commits, self.asked = stage.history.commits, stage.history.asked
        self.players = {account_of(stage.plant, player): player for player in (*stage.players, ADMIN)}
        self.model = Economy([*stage.players, ADMIN], alone=False)
        returned = [each.given.body["token"] for each in self.asked if each.given and "token" in each.given.body]
        self.tokens = {hashlib.sha256(token.encode()).hexdigest(): token for token in returned}
        self.states = [self.model.copy()]
        self.times = [0]
        self.done: list[tuple[int, Request, Answer]] = []
        self.findings: list[str] = []
        for commit in self.commits:
            self._play(commit)
            self.states.append(self.model.copy())
            self.times.append(commit.at_ms)
        for asked in self.asked:
            if asked.given and asked.given.status < 500:
                self._judge(asked)
        for commit in self.commits:
            self._check_refusals(commit)

    def _check_refusals(self, commit: Commit) -> None:
        """Check that nothing is done after a refusal: by the refused request, or by an earlier try of it."""
        mine = commit.asked
        if mine is None or all(place(write)[0].startswith("IDEMPOTENCY#") for write in commit.writes):
            return
        for asked in self.asked:
            if asked.request != mine.request or asked.given is None or not 400 <= asked.given.status < 500:
                continue
            tried_before = mine.given is not None and mine.ended_ms <= asked.began_ms
            if (asked is mine or tried_before) and asked.ended <= commit.number:
                self._say(commit, f"is done after the answer {asked.given}")

    def _say(self, about: Commit | Asked, text: str) -> None:
        whose = about.asked if isinstance(about, Commit) else about
        self.findings.append(
            f"{about.at_ms if isinstance(about, Commit) else about.began_ms}: "
            f"{whose.request if whose else 'a worker'}: {text}"
        )

    # commits

    def _play(self, commit: Commit) -> None:
        rules = [item for item in commit.puts("ACCOUNT#") if item["kind"]["S"] == "rule"]
        for item in rules:
            owner, asset = item["pk"]["S"].split("#")[1:3]
            if not owner.startswith("@"):
                self.model.credit(self.players[owner], asset, int(item["amount"]["N"]), commit.at_ms)
        remembered = commit.puts("IDEMPOTENCY#")
        asked = commit.asked
        if asked and remembered:
            self._remembered(commit, self._request(asked), remembered[0])
        elif asked and asked.request.what in EFFECTS and commit.touches(*EFFECTS[asked.request.what]):
            self._effect(commit, self._request(asked))
        elif not rules and not _gives_back(commit):
            self._say(commit, f"writes {[list(write) for write in commit.writes]}")
        for account, (balance, _) in commit.after.items():
            owner, asset = account.split("#")
            expected = self.model.balance(self.players[owner], asset)
            if balance != expected:
                self._say(commit, f"{self.players[owner]} has {balance} {asset}, not {expected}")

    def _remembered(self, commit: Commit, request: Request, item: dict[str, Any]) -> None:
        """Check a key's item against the model: the outcome is the one of the commit, or a permanent refusal."""
        outcome, at = json.loads(item["outcome"]["S"]), int(item["at"]["N"])
        if "refused" not in item:
            body = KEPT.get(request.what, dict)(outcome)
            self._done(commit, request, _created(outcome) or at, 200, body)
            return
        assert commit.asked
        status = STATUSES[ErrorKind(item["refused"]["S"])]
        # Other refusals take the key for a second, so that no write that is still under way comes after them.
        permanent = outcome["code"] == "insufficient_balance"
        until = int(item.get("free_from", item["expires"])["N"]) * 1000
        expected = self._somewhere(
            request, commit.asked.began, commit.number, at, commit.at_ms, status, outcome, commits=permanent
        )
        if expected is None:
            self._say(commit, f"is refused permanently with {outcome}")
        elif self.model.remembered(request, at):
            self._say(commit, "the key had an outcome already")
        else:
            self.model.remember(request, expected, at, until)
            self.done.append((commit.number, request, expected))

    def _effect(self, commit: Commit, request: Request) -> None:
        """Check a request without a key: its writes hold its answer."""
        at, status, body = commit.at_ms, 200, dict[str, Any]()
        if request.what in ("post", "void"):
            done = commit.puts("HOLD#")[0]
            if _has_expired(done):
                return  # Returned because it expired, which changes no balance.
            at = int(done["resolvedAt"]["N"])
            body = {"hold": {"id": done["sk"]["S"].removeprefix("DONE#")}}
            body["hold"] |= {"transferId": done["transfer"]["S"]} if "transfer" in done else {}
        elif request.what == "correct":
            body = {"transfer": {"id": commit.puts("CORRECTED#")[0]["by"]["S"]}}
        elif request.what == "invite":
            code = commit.puts("INVITE#")[0]["pk"]["S"].removeprefix("INVITE#")
            status, body = 201, {"code": f"{code[:4]}-{code[4:]}"} | self._token(commit)
        elif request.what == "rotate":
            body = self._token(commit)
        elif request.what == "accept":
            at = int(commit.puts("REFERRAL#")[0]["at"]["N"])
        self._done(commit, request, at, status, body)

    def _token(self, commit: Commit) -> dict[str, Any]:
        """Return the token that a commit makes: an answer has it, no table does."""
        made = commit.puts("INVITE_TOKEN#")[0]["pk"]["S"].removeprefix("INVITE_TOKEN#")
        return {"token": self.tokens[made]} if made in self.tokens else {}

    def _done(self, commit: Commit, request: Request, at: int, status: int, body: dict[str, Any]) -> None:
        wrong = ""
        for rewards in self._catalogues(commit, request):
            now, self.model.rewards = self.model.rewards, rewards
            answer, change = self.model.decide(request, at)
            self.model.rewards = now
            if change is None or answer.status != status:
                wrong = wrong or f"commits, where the model says {answer}"
                continue
            differs = difference(Answer(status, _part(answer.body, body)), status, body, False, self.names)
            if not differs:
                change()
                self.done.append((commit.number, request, answer))
                return
            wrong = wrong or f"writes {body}: {differs}"
        self._say(commit, wrong or "commits on a catalogue that never was")

    def _catalogues(self, commit: Commit, request: Request) -> Iterator[dict[str, Any]]:
        """Yield the catalogues that the commit may have read.

        A reward without stock is not checked in the write: it may be that of the eventually consistent read.
        """
        if request.what != "redeem" or not commit.asked or commit.touches("REWARD#"):
            yield self.model.rewards
            return
        limited = commit.touches("REDEEMED#")
        since = commit.asked.began_ms - self.stage.plant.world.faults.lag_ms
        for number in range(commit.number, 0, -1):
            rewards = self.states[number].rewards
            known = rewards.get(request.about)
            if known and known["stock"] is None and (known["perPlayer"] is not None) == limited:
                yield rewards
            if self.times[number] < since:
                return

    # answers

    def _judge(self, asked: Asked) -> None:
        """Check that the answer is of a commit made meanwhile, or the model's at some moment meanwhile."""
        request, given = self._request(asked), asked.given
        assert given
        if given.status == 429 and request.what == "accept":
            self._judge_attempts(asked)
            return
        for number, done, answer in self.done:
            mine = asked.began <= number < asked.ended and done == request
            if mine and not self._differs(replace(answer, replayed=given.replayed), asked):
                return
        found = self._somewhere(
            request, asked.began, asked.ended, asked.began_ms, asked.ended_ms, given.status, given.body, given.replayed
        )
        if found is None:
            last = self.states[asked.ended].decide(request, asked.ended_ms)[0]
            # Of two limits that are reached, a reading that takes a while may have seen either first.
            if request.what == "redeem" and {given.body.get("code"), last.code} == {"limit_reached", "out_of_stock"}:
                return
            self._say(asked, f"is answered {given}; at last the model says {last}")

    def _judge_attempts(self, asked: Asked) -> None:
        """Check that ten attempts of this minute failed, and that no more were counted than requested."""
        account = next(each for each, player in self.players.items() if player == asked.request.player)
        minutes = {time.strftime("%Y-%m-%dT%H:%M", time.gmtime(ms / 1000)) for ms in (asked.began_ms, asked.ended_ms)}
        if not any(self.stage.history.failures[account, minute] >= MOST_FAILED for minute in minutes):
            self._say(asked, f"may not, though {self.stage.history.failures} failed")

    def _differs(self, expected: Answer, asked: Asked) -> str:
        assert asked.given
        return difference(expected, asked.given.status, asked.given.body, asked.given.replayed, self.names)

    def _somewhere(
        self,
        request: Request,
        first: int,
        last: int,
        since_ms: int,
        until_ms: int,
        status: int,
        body: Any,
        replayed: bool = False,
        commits: bool = False,
    ) -> Answer | None:
        """Return an answer like this one that needs no write, at some moment between two commits.

        With `commits`, it is a refusal.
        """
        for number in range(first, last + 1):
            for at in self._moments(number, since_ms, until_ms):
                answer, change = self.states[number].decide(request, at)
                if commits == (change is not None) and not difference(answer, status, body, replayed, self.names):
                    return answer
        return None

    def _moments(self, number: int, since_ms: int, until_ms: int) -> Iterator[int]:
        state = self.states[number]
        since = max(since_ms, self.times[number])
        until = min(until_ms, self.times[number + 1] if number + 1 < len(self.times) else until_ms)
        yield since
        yield until
        yield from (point for point in state.turning_points() if since < point < until)

    def _request(self, asked: Asked) -> Request:
        """Return the request with the model's ids."""
        about = asked.request.about
        return replace(asked.request, about=self.names.model.get(about, about))


def _part(body: Any, expected: Any) -> Any:
    """Return the part of a body that has the members of `expected`."""
    if not isinstance(expected, dict) or not isinstance(body, dict):
        return body
    return {name: _part(value, expected[name]) for name, value in body.items() if name in expected}


def _gives_back(commit: Commit) -> bool:
    """Return whether the commit only voids expired holds: a change of the available amount alone."""
    return all(_has_expired(item) for item in commit.puts("")) and not any(
        "ConditionCheck" in write for write in commit.writes
    )


def _has_expired(done: dict[str, Any]) -> bool:
    return "resolvedAt" in done and done["resolvedAt"] == done.get("expiresAt")


def _created(outcome: dict[str, Any]) -> int | None:
    """Return the moment of the decision, in ms."""
    shown = next((each for each in outcome.values() if isinstance(each, dict) and "createdAt" in each), outcome)
    if "createdAt" not in shown:
        return None
    return round(datetime.fromisoformat(shown["createdAt"]).timestamp() * 1000)
