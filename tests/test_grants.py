"""Tests of the search for needless grants: it finds a grant that nothing uses."""

from __future__ import annotations

from infra.access import READ
from infra.settings import FUNCTIONS
from tests.grants import Used, granted, needless


def every_grant() -> set[Used]:
    return {
        (function.name, action, key, access.index)
        for function in FUNCTIONS
        for access in function.table
        for action, key in granted(access)
    }


def test_a_grant_that_nothing_uses_is_found() -> None:
    every = every_grant()
    assert needless(every) == set()
    assert needless(every - {("sweep", "DeleteItem", "OUTBOX#", False)}) == {("sweep", "DeleteItem", "OUTBOX#")}
    assert needless({each for each in every if each[:2] != ("verify", "Scan")}) == {("verify", "Scan", "")}


def test_a_partition_that_is_read_needs_one_of_the_reads() -> None:
    every = every_grant()
    unread = {each for each in every if not (each[0] == "boards" and each[1] in READ and each[2] == "REPAIR#")}
    assert needless(unread) == {("boards", action, "REPAIR#") for action in READ}
    assert needless(every - {("boards", "Query", "REPAIR#", False)}) == set()


def test_functions_of_the_same_code_need_a_grant_together() -> None:
    every = every_grant()
    paid = {each for each in every if each[0].startswith("progress") and each[2] == "ACCOUNT#"}
    (one, *_) = [each for each in paid if each[0] == "progress_own"]
    assert needless(every - paid | {one}) == {each[:3] for each in paid if each[1] != one[1]}
