"""The commits of a run played through the model, one after the other; then every answer looked for in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.economy.history import Asked, Commit
from tests.economy.model import Answer, Ledger, Request
from tests.economy.spelling import difference
from tests.economy.traffic import Stage

# What of the model's answer is kept under a key, where that is not all of it.
KEPT = {"transfer": lambda body: {"id": body["transfer"]["id"], "balance": body["balance"]}}


class Replay:
    """`findings`: what was not as the model has it. `states`: the model after each commit, the first before all."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.names = stage, stage.names
        self.commits, self.asked = stage.history.commits, stage.history.asked
        self.players = _players(stage)
        self.model = Ledger(stage.players)
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
        remembered = commit.puts("REQUEST#")
        resolved = [item for item in commit.puts("HOLD#") if item["sk"]["S"].startswith("DONE#")]
        if commit.asked and remembered:
            self._remembered(commit, self._request(commit.asked), remembered[0])
        elif commit.asked and resolved:
            self._resolved(commit, self._request(commit.asked), resolved)
        elif not rules and not _gives_back(commit):
            self._say(commit, f"writes {[list(write) for write in commit.writes]}")
        for account, (balance, _) in commit.after.items():
            owner, asset = account.split("#")
            wanted = self.model.balance(self.players[owner], asset)
            if balance != wanted:
                self._say(commit, f"{self.players[owner]} has {balance} {asset}, not {wanted}")

    def _remembered(self, commit: Commit, request: Request, item: dict[str, Any]) -> None:
        """What a key's item says was done, or was refused for good."""
        outcome, at = json.loads(item["outcome"]["S"]), int(item["at"]["N"])
        status = int(item["status"]["N"])
        if status < 400:
            self._done(commit, request, _created(outcome) or at, status, outcome)
            return
        assert commit.asked
        wanted = self._somewhere(
            request, commit.asked.began, commit.number, at, commit.at_ms, status, outcome, commits=True
        )
        if wanted is None:
            self._say(commit, f"is refused for good with {outcome}")
        elif self.model.remembered(request, at):
            self._say(commit, "the key had an outcome already")
        else:
            self.model.remember(request, wanted, at)
            self.done.append((commit.number, request, wanted))

    def _resolved(self, commit: Commit, request: Request, items: list[dict[str, Any]]) -> None:
        """Of a hold; those given back because they expired are no change to anybody."""
        for item in items:
            if item["resolvedAt"] == item.get("expiresAt"):
                continue
            self._done(
                commit, request, int(item["resolvedAt"]["N"]), 200, {"id": item["sk"]["S"].removeprefix("DONE#")}
            )

    def _done(self, commit: Commit, request: Request, at: int, status: int, outcome: dict[str, Any]) -> None:
        answer, change = self.model.decide(request, at)
        if change is None or answer.status != status:
            self._say(commit, f"commits, where the model says {answer}")
            return
        change()
        self.done.append((commit.number, request, answer))
        kept = KEPT.get(request.what)
        body = {} if not request.key else kept(answer.body) if kept else answer.body
        told = difference(Answer(status, body), status, outcome, False, self.names)
        if told:
            self._say(commit, f"keeps {outcome}: {told}")

    # answers

    def _judge(self, asked: Asked) -> None:
        """It must be that of a commit made meanwhile, or what the model would have said at some moment meanwhile."""
        request, given = self._request(asked), asked.given
        assert given
        for number, done, answer in self.done:
            mine = asked.began <= number < asked.ended and done == request
            if mine and not self._differs(replace(answer, replayed=given.replayed), asked):
                return
        found = self._somewhere(
            request, asked.began, asked.ended, asked.began_ms, asked.ended_ms, given.status, given.body, given.replayed
        )
        if found is None:
            last = self.states[asked.ended].decide(request, asked.ended_ms)[0]
            self._say(asked, f"is answered {given}; at last the model says {last}")

    def _differs(self, wanted: Answer, asked: Asked) -> str:
        assert asked.given
        return difference(wanted, asked.given.status, asked.given.body, asked.given.replayed, self.names)

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
        """An answer like this that nothing need be written for, at some moment between two commits; or, if `commits`,
        a refusal."""
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
        """As the model knows it."""
        about = asked.request.about
        return replace(asked.request, about=self.names.model.get(about, about))


def _gives_back(commit: Commit) -> bool:
    """What expired: a change of what is available, no more."""
    return not commit.puts("") and all("Update" in write for write in commit.writes)


def _players(stage: Stage) -> dict[str, str]:
    rows = stage.plant.world.dynamodb.tables["laurel-sim"].rows
    return {rows[f"PLAYER#{player}", "IDENTITY"][0]["account"]["S"]: player for player in stage.players}


def _created(outcome: dict[str, Any]) -> int | None:
    """When it was decided, in ms."""
    shown = next((each for each in outcome.values() if isinstance(each, dict) and "createdAt" in each), outcome)
    if "createdAt" not in shown:
        return None
    return round(datetime.fromisoformat(shown["createdAt"]).timestamp() * 1000)
