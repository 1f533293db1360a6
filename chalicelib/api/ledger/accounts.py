"""Operations on accounts: balances and statements."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.identity.permissions import ADMIN, PLAYER

SERVICES = "chalicelib.services.ledger"

OPERATIONS = (
    Operation(
        "read_balance",
        f"{PREFIX}/balance",
        "Your balance",
        "economy",
        use_case=f"{SERVICES}.read_balance:read_balance",
        query="BalanceQuery",
        answer="Balance",
        permission=PLAYER,
    ),
    Operation(
        "read_own_statement",
        f"{PREFIX}/statement",
        "Your statement",
        "economy",
        use_case=f"{SERVICES}.read_statement:read_statement",
        query="StatementQuery",
        answer="Statement",
        permission=PLAYER,
        description="All postings of your account, newest first, each with the balance after it.",
    ),
    Operation(
        "read_player_statement",
        f"{PREFIX}/players/{{player}}/statement",
        "A player's statement",
        "admin",
        use_case=f"{SERVICES}.read_statement:read_statement",
        query="StatementQuery",
        answer="Statement",
        permission=ADMIN,
    ),
)
